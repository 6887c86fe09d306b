"""Examines a network of anybody: does its initialization let it learn?"""

from tools.examine.examination import examine

__all__ = ["examine"]
