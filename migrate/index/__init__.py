"""What is known of a repository before any file is rewritten.

ImportTable    names of one file, resolved through imports and aliases
FileEntry      one file: module name, imports, classes
ClassEntry     one class: bases, methods, place
Registration   a name under which a class was registered with ModelCatalog
RepoIndex      all of it, with the class hierarchy closed across files
"""

from rlmigrate.migrate.index.entries import ClassEntry, FileEntry, Registration
from rlmigrate.migrate.index.imports import ImportTable
from rlmigrate.migrate.index.repo import RepoIndex

__all__ = ["ClassEntry", "FileEntry", "ImportTable", "Registration", "RepoIndex"]
