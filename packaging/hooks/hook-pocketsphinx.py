"""The English model, without the large language model: the kiosk makes its own from the knowledge."""

from PyInstaller.utils.hooks import collect_data_files

datas = collect_data_files("pocketsphinx", subdir="model", excludes=["**/*.lm.bin"])
