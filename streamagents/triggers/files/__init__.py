"""The file watcher: files that are dropped into a folder become events.

Touches: the watched folders, which it reads, and of which it moves files where that is asked for;
a small ledger of what was sent, in the data folder.
"""

from streamagents.triggers.files.folder import Folder, FolderSetting

__all__ = ["Folder", "FolderSetting"]
