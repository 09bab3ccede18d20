"""The kiosk's own avatar: a drawn face, a synthesised voice, knowledge and ears. Needs no network."""
