//! Asks real servers how they are: one file for each kind of question, each an async function.
//!
//! Bytes from a server are never trusted: every read has a limit, and every question ends at its
//! time-out, whatever the server does. Nothing here decides what an answer means: that is
//! `health`'s part. Called by `daemon`.
