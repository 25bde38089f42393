"""Build the compiled kernels, which setup.cfg cannot declare; everything else is in setup.cfg."""

import os
import platform
from glob import glob

from setuptools import Extension, setup

# Signed overflow wraps, so that no input is undefined behaviour.
# No contraction: a fused multiply-add rounds differently from Pillow and numpy. No trapping math:
# no code reads the floating-point flags, and without them the compiler vectorises comparisons.
FLAGS = ["-O3", "-std=c11", "-fvisibility=hidden", "-ffp-contract=off", "-fno-trapping-math",
         "-fno-math-errno", "-fwrapv", "-Wno-psabi",
         f"-ffile-prefix-map={os.getcwd()}=."]  # fmt: skip  # no build path in the binary
VARIANTS = {"_kernels": []}
if platform.machine().lower() in ("x86_64", "amd64"):
    VARIANTS["_kernels_v3"] = ["-march=x86-64-v3"]  # AVX2, FMA, BMI2: most machines since 2013

setup(
    ext_modules=[
        Extension(
            f"bccurate.native.{name}",
            sorted(glob("bccurate/native/*.c")),
            depends=sorted(glob("bccurate/native/*.h")),
            extra_compile_args=FLAGS + extra,
            optional=True,  # without a compiler bccurate uses numpy
        )
        for name, extra in VARIANTS.items()
    ]
)
