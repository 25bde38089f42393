"""The compiled kernels, which setup.cfg has no words for; all else stands there."""

import os
import platform
from glob import glob

from setuptools import Extension, setup

# No contraction: a fused multiply-add rounds otherwise than Pillow and numpy do. Whole numbers
# wrap: absurd coefficients may overflow before they are found out.
# No traps: nobody asks whether a comparison raised a flag, and such loops are vectorised without.
FLAGS = ["-O3", "-std=c11", "-fvisibility=hidden", "-ffp-contract=off", "-fno-trapping-math",
         "-fno-math-errno", "-fwrapv", "-Wno-psabi",
         f"-ffile-prefix-map={os.getcwd()}=."]  # fmt: skip  # where it was built must not show
VARIANTS = {"_kernels": []}
if platform.machine().lower() in ("x86_64", "amd64"):
    VARIANTS["_kernels_v3"] = ["-march=x86-64-v3"]  # AVX2 and its time: nearly every machine

setup(
    ext_modules=[
        Extension(
            f"bccurate.native.{name}",
            sorted(glob("bccurate/native/*.c")),
            depends=sorted(glob("bccurate/native/*.h")),
            extra_compile_args=FLAGS + extra,
            optional=True,  # with no compiler bccurate works all the same, in numpy
        )
        for name, extra in VARIANTS.items()
    ]
)
