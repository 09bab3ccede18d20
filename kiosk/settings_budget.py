"""The table [budget]: how much the vendors' sessions may cost in a day."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from kiosk.session.budget import Budget


class BudgetSettings(BaseModel):
    """[budget]"""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)

    visits_per_day: int = Field(0, ge=0, le=100_000, description="Visits with a vendor in a day; 0 for no limit.")
    minutes_per_day: int = Field(0, ge=0, le=100_000, description="Vendor minutes in a day; 0 for no limit.")
    warn_at: float = Field(0.8, gt=0, le=1, description="Share of a limit at which the operator is warned.")

    def budget(self) -> Budget:
        return Budget(self.visits_per_day, self.minutes_per_day, self.warn_at)
