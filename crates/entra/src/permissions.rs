//! What each read needs.
