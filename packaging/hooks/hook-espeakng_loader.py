"""The loader looks for its library and data beside itself, by name; of the library's three copies one is enough."""

import espeakng_loader
from PyInstaller.utils.hooks import collect_data_files

datas = collect_data_files("espeakng_loader", subdir="espeak-ng-data")
binaries = [(espeakng_loader.get_library_path(), "espeakng_loader")]
