//! Drafts of whole incidents.
