"""A package, since workers import what starts them unless it is a package's `__main__`."""
