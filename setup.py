"""The compiled kernels, which setup.cfg has no words for; all else stands there."""

from glob import glob

from setuptools import Extension, setup

# No contraction: a fused multiply-add rounds otherwise than Pillow and numpy do. No traps: nobody
# asks whether a comparison raised a flag, and loops that compare are vectorised without.
FLAGS = "-O3 -std=c11 -fvisibility=hidden -ffp-contract=off"
FLAGS += " -fno-trapping-math -fno-math-errno -Wno-psabi"

setup(
    ext_modules=[
        Extension(
            "bccurate.native._kernels",
            sorted(glob("bccurate/native/*.c")),
            depends=sorted(glob("bccurate/native/*.h")),
            extra_compile_args=FLAGS.split(),
            optional=True,  # with no compiler bccurate works all the same, in numpy
        )
    ]
)
