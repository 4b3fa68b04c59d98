//! How the C library's allocator is to behave.

/// Documents and what is made of them are larger than this; they are mapped one by one, and go back to the system when they are freed.
const LARGE: libc::c_int = 128 << 10;

/// Pools of small memory. glibc makes eight for each processor, and keeps what each of them once had.
const POOLS: libc::c_int = 2;

/// Keeps the memory of the process close to what is in use. Without this, glibc learns from the first large document that documents are small, and
/// keeps the memory of the largest crowd of them.
#[allow(unsafe_code)]
pub(crate) fn settle() {
    // SAFETY: called once, before there are other threads; both take two numbers. A refusal (0) costs memory and nothing else.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
        libc::mallopt(libc::M_ARENA_MAX, POOLS);
    }
}
