//! Hosts of the inside: private addresses, names that only resolve there, and configured suffixes.

// Addresses as values; nothing here opens a connection.
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Finding, FindingKind, runs};
use crate::domain::SafeText;

/// Domains that no public name ends in (RFC 6762, 8375, 6761; Kubernetes; habit).
const SUFFIXES: [&str; 10] = [
    ".internal",
    ".local",
    ".svc",
    ".lan",
    ".corp",
    ".intranet",
    ".intra",
    ".home.arpa",
    ".localdomain",
    ".localhost",
];

pub(super) fn find(text: &str, inside: &[SafeText]) -> Vec<Finding> {
    let host = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | ':' | '_' | '[' | ']');
    let mut found = Vec::new();
    for (at, run) in runs(text, host) {
        let (skip, name) = bare(run);
        if is_inside(name, inside) {
            let start = at + skip;
            let port = run.get(skip + name.len()..).map_or(0, port_length);
            found.push(Finding {
                range: start..start + name.len() + port,
                kind: FindingKind::Host,
                proposal: "[internal host]".to_owned(),
            });
        }
    }
    found
}

/// The host in a run: without brackets, what stands before the last `://`-less colon, and full stops at its end.
fn bare(run: &str) -> (usize, &str) {
    let trimmed = run.trim_start_matches(['[', ':', '.', '-', '_']);
    let skip = run.len() - trimmed.len();
    let trimmed = trimmed.trim_end_matches([']', ':', '.', '-', '_']);
    if trimmed.matches(':').count() >= 2 {
        // An IPv6 address, perhaps with a port behind its bracket.
        return (skip, trimmed.split(']').next().unwrap_or(trimmed));
    }
    (skip, trimmed.split([':', ']']).next().unwrap_or(trimmed))
}

/// `:9090` behind a host.
fn port_length(rest: &str) -> usize {
    let rest = rest.strip_prefix(']').map_or((0, rest), |rest| (1, rest));
    let digits = rest
        .1
        .strip_prefix(':')
        .map_or(0, |port| port.len() - port.trim_start_matches(|c: char| c.is_ascii_digit()).len());
    if digits == 0 { 0 } else { rest.0 + 1 + digits }
}

fn is_inside(name: &str, inside: &[SafeText]) -> bool {
    if let Ok(address) = name.parse::<IpAddr>() {
        return match address {
            IpAddr::V4(address) => is_private(address),
            IpAddr::V6(address) => is_local(address),
        };
    }
    let name = name.to_lowercase();
    if name == "localhost" {
        return true;
    }
    // `api.default.svc.cluster.local`, and `api.default.svc` alone.
    let ends = |suffix: &str| name.len() > suffix.len() && name.ends_with(suffix);
    if SUFFIXES.iter().any(|suffix| ends(suffix)) || name.contains(".svc.") {
        return true;
    }
    inside.iter().any(|suffix| {
        let suffix = suffix.trim_start_matches(['*', '.']).to_lowercase();
        suffix.contains('.') && (name == suffix || name.ends_with(&format!(".{suffix}")))
    })
}

/// RFC 1918, loopback, link-local, and RFC 6598's shared space.
fn is_private(address: Ipv4Addr) -> bool {
    let [a, b, ..] = address.octets();
    address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || (a == 100 && (64..128).contains(&b))
}

/// Unique local, link-local and loopback.
fn is_local(address: Ipv6Addr) -> bool {
    let [first, ..] = address.segments();
    address.is_loopback() || first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfe80
}
