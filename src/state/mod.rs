//! What the kernel is to hold.
