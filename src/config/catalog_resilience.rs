//! The part of `catalog.toml` about what can run out, what stands behind a service, and where calls
//! between services can be seen: `[[resource]]`, `[[consensus]]`, `[[replication]]`, `[[vendor]]`,
//! `[[edges]]`, and the keys of a service that say how it is kept alive and brought back.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::catalog::Builder;
use super::catalog_toml::UNITS;
use super::error::Mistakes;
use super::node::{Node, Table, Value};
use crate::domain::{
    Capacity, Consensus, ConsensusId, EdgeQueries, EdgesId, Recovery, RecoveryOption, Replication,
    ReplicationId, Resource, ResourceId, ResourceKind, SafeText, Service, ServiceId, SourceId,
    Timestamp, Unit, Vendor, VendorId,
};

/// A resource is short from this share in use on, unless said otherwise.
const SHORT_FROM: f64 = 0.8;

/// Reads every table of this part.
pub(super) fn read(out: &mut Builder, root: &Table<'_>, mistakes: &Mistakes) {
    for table in root.tables("resource") {
        let at = table.place("name");
        if let Some(resource) = read_resource(out, table, mistakes) {
            put(
                &mut out.catalog.resources,
                resource.id.clone(),
                resource,
                "resource",
                at,
                mistakes,
            );
        }
    }
    for table in root.tables("consensus") {
        let at = table.place("name");
        if let Some(group) = read_consensus(out, table, mistakes) {
            put(
                &mut out.catalog.consensus,
                group.id.clone(),
                group,
                "consensus group",
                at,
                mistakes,
            );
        }
    }
    for table in root.tables("replication") {
        let at = table.place("name");
        if let Some(copies) = read_replication(out, table, mistakes) {
            put(
                &mut out.catalog.replication,
                copies.id.clone(),
                copies,
                "replication",
                at,
                mistakes,
            );
        }
    }
    for table in root.tables("vendor") {
        let at = table.place("name");
        if let Some(vendor) = read_vendor(out, table, mistakes) {
            put(&mut out.catalog.vendors, vendor.id.clone(), vendor, "vendor", at, mistakes);
        }
    }
    for table in root.tables("edges") {
        let at = table.place("name");
        if let Some(edges) = read_edges(out, table, mistakes) {
            put(&mut out.catalog.edges, edges.id.clone(), edges, "set of edges", at, mistakes);
        }
    }
}

fn put<K: Ord + std::fmt::Display, V>(
    all: &mut BTreeMap<K, V>,
    id: K,
    one: V,
    what: &str,
    at: super::error::Place,
    mistakes: &Mistakes,
) {
    match all.entry(id) {
        Entry::Occupied(known) => {
            mistakes.add(at, &format!("{what} `{}` is declared twice", known.key()));
        }
        Entry::Vacant(free) => {
            free.insert(one);
        }
    }
}

/// Reads the keys of a service that belong here.
pub(super) fn read_service(service: &mut Service, table: &Table<'_>, mistakes: &Mistakes) {
    service.alive = table.text("alive").map(str::to_owned);
    service.replicas = table.whole("replicas", 1, 65_535).and_then(|n| u16::try_from(n).ok());
    service.zones = table.texts("zones").iter().map(|(zone, _)| SafeText::new(zone)).collect();
    service.stateless = table.flag("stateless");
    for option in table.tables("recovery") {
        if let Some(option) = read_recovery(option, mistakes) {
            service.recovery.push(option);
        }
    }
    service.recovery.sort_by_key(|option| option.way);
}

fn read_recovery(table: Table<'_>, mistakes: &Mistakes) -> Option<RecoveryOption> {
    let way = table.need("way").and_then(|_| table.word("way", &Recovery::ALL));
    let takes = table.span("takes");
    let proven = table.text("proven").and_then(|text| {
        let day = format!("{text}T00:00:00Z");
        let at = Timestamp::parse_rfc3339(text).or_else(|| Timestamp::parse_rfc3339(&day));
        if at.is_none() {
            let message = format!("`proven` is not a day: `{text}`");
            mistakes.hinted(table.place("proven"), &message, "write \"2026-11-01\"");
        }
        at
    });
    table.finish();
    Some(RecoveryOption { way: way?, takes, proven })
}

/// The service a table names, which must be declared somewhere.
fn service(
    out: &mut Builder,
    table: &Table<'_>,
    key: &'static str,
    mistakes: &Mistakes,
) -> Option<ServiceId> {
    let name = table.text(key)?;
    out.refers("service", name, table.place(key), mistakes);
    Some(ServiceId::new(name))
}

/// The source a table names, which must be configured.
fn source(
    out: &Builder,
    table: &Table<'_>,
    key: &'static str,
    mistakes: &Mistakes,
) -> Option<SourceId> {
    let named = table.text(key).map(SourceId::new)?;
    if !out.sources.contains(&named) {
        let known = out.sources.iter().map(SourceId::as_str);
        mistakes.unknown(table.place(key), "source", named.as_str(), known);
    }
    Some(named)
}

fn labels(table: &Table<'_>, key: &'static str) -> Vec<SafeText> {
    table.texts(key).iter().map(|(label, _)| SafeText::new(label)).collect()
}

fn read_resource(out: &mut Builder, table: Table<'_>, mistakes: &Mistakes) -> Option<Resource> {
    let before = mistakes.count();
    let id = table.need_text("name").map(ResourceId::new);
    let title = table.text("title").or_else(|| table.text("name")).unwrap_or("");
    table.need("service");
    let owner = service(out, &table, "service", mistakes);
    let kind = table.need("kind").and_then(|_| table.word("kind", &ResourceKind::ALL));
    let used = table.need_text("used").map(str::to_owned);
    let limit = read_limit(table.get("limit"), mistakes);
    let unit = table.word("unit", &UNITS).unwrap_or(Unit::Count);
    let shared_by = table
        .texts("shared_by")
        .into_iter()
        .map(|(name, at)| {
            out.refers("service", name, at, mistakes);
            ServiceId::new(name)
        })
        .collect();
    let filled_by = service(out, &table, "filled_by", mistakes);
    let short_from = table.number("short_from").unwrap_or(SHORT_FROM);
    if !(short_from > 0.0 && short_from <= 1.0) {
        let at = table.place("short_from");
        mistakes.hinted(at, "`short_from` must be above 0 and at most 1", "write 0.8 for 80 %");
    }
    let source = source(out, &table, "source", mistakes);
    let per = labels(&table, "per");
    table.finish();
    if mistakes.count() > before {
        return None;
    }
    let owner = owner?;
    Some(Resource {
        id: id?,
        title: SafeText::new(title),
        filled_by: filled_by.unwrap_or_else(|| owner.clone()),
        service: owner,
        kind: kind?,
        used: used?,
        limit,
        unit,
        per,
        shared_by,
        short_from,
        source,
    })
}

/// A number, or PromQL; unknown when it is not said.
fn read_limit(node: Option<&Node>, mistakes: &Mistakes) -> Capacity {
    let Some(node) = node else { return Capacity::Unknown };
    let number = match &node.value {
        Value::Text(text) => return Capacity::Query(text.clone()),
        Value::Int(number) => *number as f64,
        Value::Float(number) => *number,
        _ => f64::NAN,
    };
    if number > 0.0 && number.is_finite() {
        return Capacity::Fixed(number);
    }
    mistakes.hinted(node.at, "`limit` must be a number above zero, or PromQL", "limit = 100");
    Capacity::Unknown
}

fn read_consensus(out: &mut Builder, table: Table<'_>, mistakes: &Mistakes) -> Option<Consensus> {
    let before = mistakes.count();
    let id = table.need_text("name").map(ConsensusId::new);
    table.need("service");
    let owner = service(out, &table, "service", mistakes);
    let members = table.need_text("members").map(str::to_owned);
    let leader = table.text("leader").map(str::to_owned);
    let voters = table.whole("voters", 1, 1_000).and_then(|n| u16::try_from(n).ok());
    let source = source(out, &table, "source", mistakes);
    table.finish();
    if mistakes.count() > before {
        return None;
    }
    Some(Consensus { id: id?, service: owner?, members: members?, leader, voters, source })
}

fn read_replication(
    out: &mut Builder,
    table: Table<'_>,
    mistakes: &Mistakes,
) -> Option<Replication> {
    let before = mistakes.count();
    let id = table.need_text("name").map(ReplicationId::new);
    table.need("service");
    let owner = service(out, &table, "service", mistakes);
    let lag = table.need_text("lag").map(str::to_owned);
    let synchronous = table.text("synchronous").map(str::to_owned);
    let rpo = table.need("rpo").and_then(|_| table.span("rpo"));
    let per = labels(&table, "per");
    let source = source(out, &table, "source", mistakes);
    table.finish();
    if mistakes.count() > before {
        return None;
    }
    Some(Replication { id: id?, service: owner?, lag: lag?, synchronous, rpo: rpo?, per, source })
}

fn read_vendor(out: &mut Builder, table: Table<'_>, mistakes: &Mistakes) -> Option<Vendor> {
    let before = mistakes.count();
    let id = table.need_text("name").map(VendorId::new);
    table.need("service");
    let stands_for = service(out, &table, "service", mistakes);
    let feed = source(out, &table, "feed", mistakes);
    let components = labels(&table, "components");
    table.finish();
    if mistakes.count() > before {
        return None;
    }
    Some(Vendor { id: id?, service: stands_for?, feed, components })
}

fn read_edges(out: &Builder, table: Table<'_>, mistakes: &Mistakes) -> Option<EdgeQueries> {
    let before = mistakes.count();
    let id = table.need_text("name").map(EdgesId::new);
    let kind = table.word("kind", &KINDS);
    let usual = kind.map(|kind: Usual| kind()).unwrap_or_default();
    let label = |key, usual: SafeText| table.text(key).map_or(usual, SafeText::new);
    let (from, to) = (label("from", usual.from), label("to", usual.to));
    let expr = |key, usual: Option<String>| table.text(key).map(str::to_owned).or(usual);
    let calls = table.text("calls").map_or(usual.calls, str::to_owned);
    let (failed, retried, tripped) = (
        expr("failed", usual.failed),
        expr("retried", usual.retried),
        expr("tripped", usual.tripped),
    );
    let source = source(out, &table, "source", mistakes);
    for (missing, key) in
        [(calls.is_empty(), "calls"), (from.is_empty(), "from"), (to.is_empty(), "to")]
    {
        if missing {
            let message = format!("`{key}` is missing");
            mistakes.hinted(table.at, &message, "or name a `kind` whose metrics are known");
        }
    }
    table.finish();
    if mistakes.count() > before {
        return None;
    }
    Some(EdgeQueries { id: id?, from, to, calls, failed, retried, tripped, source })
}

type Usual = fn() -> EdgeQueries;

/// Metrics that are known by name; every expression can be replaced.
const KINDS: [(&str, Usual); 4] =
    [("service-graph", service_graph), ("istio", istio), ("envoy", envoy), ("haproxy", haproxy)];

/// Tempo's and the OpenTelemetry collector's service graphs.
fn service_graph() -> EdgeQueries {
    let sum = |metric: &str| format!("sum by (client, server) (rate({metric}[2m]))");
    EdgeQueries {
        from: "client".into(),
        to: "server".into(),
        calls: sum("traces_service_graph_request_total"),
        failed: Some(sum("traces_service_graph_request_failed_total")),
        ..EdgeQueries::default()
    }
}

/// Istio's standard metrics, as its source proxies report them.
fn istio() -> EdgeQueries {
    let sum = |more: &str| {
        format!(
            "sum by (source_canonical_service, destination_canonical_service) \
             (rate(istio_requests_total{{reporter=\"source\"{more}}}[2m]))"
        )
    };
    EdgeQueries {
        from: "source_canonical_service".into(),
        to: "destination_canonical_service".into(),
        calls: sum(""),
        failed: Some(sum(",response_code=~\"5..|0\"")),
        ..EdgeQueries::default()
    }
}

/// Envoy's clusters; the caller is the job that is scraped.
fn envoy() -> EdgeQueries {
    let sum = |metric: &str| format!("sum by (job, envoy_cluster_name) (rate({metric}[2m]))");
    EdgeQueries {
        from: "job".into(),
        to: "envoy_cluster_name".into(),
        calls: sum("envoy_cluster_upstream_rq_total"),
        failed: Some(sum("envoy_cluster_upstream_rq_xx{envoy_response_code_class=\"5\"}")),
        retried: Some(sum("envoy_cluster_upstream_rq_retry")),
        tripped: Some(
            "max by (job, envoy_cluster_name) (envoy_cluster_circuit_breakers_default_rq_open \
             or envoy_cluster_circuit_breakers_default_cx_open)"
                .to_owned(),
        ),
        ..EdgeQueries::default()
    }
}

/// HAProxy's own exporter; the caller is the job that is scraped, the callee the proxy (backend).
fn haproxy() -> EdgeQueries {
    let sum = |metric: &str| format!("sum by (job, proxy) (rate({metric}[2m]))");
    EdgeQueries {
        from: "job".into(),
        to: "proxy".into(),
        calls: sum("haproxy_backend_http_requests_total"),
        failed: Some(sum("haproxy_backend_http_responses_total{code=\"5xx\"}")),
        retried: Some(sum("haproxy_backend_retry_warnings_total")),
        tripped: Some("max by (job, proxy) (haproxy_backend_active_servers == bool 0)".to_owned()),
        ..EdgeQueries::default()
    }
}
