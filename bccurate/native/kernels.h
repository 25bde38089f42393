/* What the compiled kernels share. Every function takes plain pointers and sizes, allocates
 * nothing that outlives it, and never writes past what its caller says is there. */
#ifndef BCCURATE_KERNELS_H
#define BCCURATE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif

/* One binary for all machines: the loader takes the version that the processor has. */
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__linux__)
#define FASTEST __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define FASTEST
#endif

#endif
