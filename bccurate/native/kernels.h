/* Declarations that all kernels share. Every function takes plain pointers and sizes, keeps no
 * memory after it returns (but for the tables of measure.c), and writes within the sizes that
 * its caller gives. */
#ifndef BCCURATE_KERNELS_H
#define BCCURATE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif

#if defined(__GNUC__)
#define INLINE static inline __attribute__((always_inline))
#else
#define INLINE static inline
#endif

#endif
