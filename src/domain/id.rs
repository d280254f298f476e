//! One type per kind of id, so that an alert's key is never taken for a service's name.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::SafeText;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(SafeText);

        impl $name {
            /// Cleans and wraps.
            pub fn new(raw: &str) -> Self {
                Self(SafeText::new(raw))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }

            /// The id as shared text.
            pub const fn text(&self) -> &SafeText {
                &self.0
            }
        }

        impl From<SafeText> for $name {
            fn from(text: SafeText) -> Self {
                Self(text)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                self.0.as_str()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

ids! {
    /// A configured outside system, by its name in `config.toml`.
    SourceId;
    /// A service of the catalog.
    ServiceId;
    /// A service level objective; unique over all files read.
    SloId;
    /// A silence, as its Alertmanager names it.
    SilenceId;
    /// A site (cluster, region, data centre) a source belongs to.
    SiteId;
    /// A maintenance window of the catalog.
    WindowId;
    /// An incident: `INC-` and five letters or digits that cannot be misheard.
    IncidentId;
    /// A configured way to reach people.
    ChannelId;
    /// A configured ticket system.
    TrackerId;
    /// A team of the playbook.
    TeamId;
    /// A resource of the catalog that can run out.
    ResourceId;
    /// A consensus group of the catalog.
    ConsensusId;
    /// Copies of a service's data, as the catalog names them.
    ReplicationId;
    /// A supplier of the catalog.
    VendorId;
    /// A set of queries that show calls between services.
    EdgesId;
    /// A configured way to have something run.
    PipelineId;
    /// Something that may be done to production, as the playbook names it.
    ProcedureId;
}

impl IncidentId {
    /// Without the letters that look or sound like another sign (Crockford's base 32).
    const SIGNS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

    /// The id that belongs to a lot drawn; whoever declares draws again when it is taken.
    pub fn from_lot(lot: u64) -> Self {
        let sign = |at: u32| char::from(Self::SIGNS[(lot >> (5 * at) & 31) as usize]);
        Self::new(&format!("INC-{}", (0..5).map(sign).collect::<String>()))
    }
}
