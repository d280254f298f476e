//! Reading large answers: 50,000 series beside sonic-rs's borrowed decode of the same body, and 20,000 alerts.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use quarterdeck::connectors::alertmanager::Alertmanager;
use quarterdeck::connectors::prometheus::instant_vector;
use quarterdeck::connectors::{Connector as _, Interest, Reply};
use quarterdeck::domain::{SiteId, SourceId, Timestamp};
use serde::Deserialize;

const SERIES: usize = 50_000;
const ALERTS: usize = 20_000;

/// An instant vector as Prometheus writes it: ten labels a series, about 280 bytes.
fn vector() -> Vec<u8> {
    let mut body = String::from(r#"{"status":"success","data":{"resultType":"vector","result":["#);
    for i in 0..SERIES {
        let (service, pod, code) = (i % 1_000, i % 7_919, [200, 204, 404, 500, 503][i % 5]);
        let comma = if i == 0 { "" } else { "," };
        let _ = write!(
            body,
            r#"{comma}{{"metric":{{"__name__":"http_requests_total","cluster":"eu-west-1","code":"{code}","handler":"/api/v1/items/{}","instance":"10.{}.{}.{}:8080","job":"svc-{service:04}","method":"{}","namespace":"ns-{}","pod":"svc-{service:04}-{pod:05}","service":"svc-{service:04}"}},"value":[1795345055.081,"{}"]}}"#,
            i % 37,
            i % 200,
            i / 250 % 250,
            i % 250,
            ["GET", "POST"][i % 2],
            service % 40,
            i * 31
        );
    }
    body.push_str("]}}");
    body.into_bytes()
}

fn alerts() -> Vec<u8> {
    let mut body = String::from("[");
    for i in 0..ALERTS {
        let (group, of) = (i % 500, i / 500);
        let comma = if i == 0 { "" } else { "," };
        let _ = write!(
            body,
            r#"{comma}{{"annotations":{{"description":"svc-{group:05} answers with errors on instance {of}.","runbook_url":"https://runbooks.example/svc-{group:05}","summary":"More than 5 % of requests to svc-{group:05} fail"}},"endsAt":"2026-11-22T12:07:00.000Z","fingerprint":"{i:016x}","receivers":[{{"name":"oncall"}}],"startsAt":"2026-11-22T11:{:02}:{:02}.123Z","status":{{"inhibitedBy":[],"silencedBy":[],"state":"active"}},"updatedAt":"2026-11-22T11:59:55.000Z","generatorURL":"http://prometheus.example:9090/graph?g0.expr=up","labels":{{"alertname":"HighErrorRate{}","instance":"svc-{group:05}-{of}:8080","job":"svc-{group:05}","namespace":"ns-{}","service":"svc-{group:05}","severity":"page","team":"team-{}"}}}}"#,
            i % 60,
            i / 60 % 60,
            group % 25,
            group % 12,
            group % 40
        );
    }
    body.push(']');
    body.into_bytes()
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    data: Data<'a>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    result: Vec<Sample<'a>>,
}

#[derive(Deserialize)]
struct Sample<'a> {
    #[serde(borrow, deserialize_with = "pairs")]
    metric: Borrowed<'a>,
    #[serde(borrow)]
    value: (f64, Cow<'a, str>),
}

type Borrowed<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

fn pairs<'de: 'a, 'a, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Borrowed<'a>, D::Error> {
    struct Pairs<'a>(std::marker::PhantomData<&'a ()>);
    impl<'de: 'a, 'a> serde::de::Visitor<'de> for Pairs<'a> {
        type Value = Borrowed<'a>;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object of strings")
        }
        fn visit_map<A: serde::de::MapAccess<'de>>(
            self,
            mut map: A,
        ) -> Result<Self::Value, A::Error> {
            let mut pairs = Vec::with_capacity(12);
            while let Some((name, value)) = map.next_entry::<&'de str, &'de str>()? {
                pairs.push((Cow::Borrowed(name), Cow::Borrowed(value)));
            }
            Ok(pairs)
        }
    }
    deserializer.deserialize_map(Pairs(std::marker::PhantomData))
}

fn parse(c: &mut Criterion) {
    let body = vector();
    let mut group = c.benchmark_group("parse");
    group.sample_size(15).throughput(Throughput::Bytes(body.len() as u64));
    group.bench_function("50k series/sonic-rs borrowed", |b| {
        b.iter(|| {
            let all: Envelope<'_> = sonic_rs::from_slice(black_box(&body)).expect("valid");
            let last = all.data.result.last().map(|s| (s.metric.len(), s.value.0, s.value.1.len()));
            assert_eq!((all.data.result.len(), last.map(|l| l.0)), (SERIES, Some(10)));
            all.data.result.len()
        });
    });
    group.bench_function("50k series/labels and readings, interned", |b| {
        b.iter(|| {
            let all = instant_vector(black_box(&body)).expect("valid");
            assert_eq!(
                (all.len(), all.last().map(|(labels, ..)| labels.len())),
                (SERIES, Some(10))
            );
            all.len()
        });
    });
    let body = alerts();
    let (source, now) = (SourceId::new("am"), Timestamp::from_millis(1_795_345_055_081));
    let asks = Alertmanager::new(SiteId::new("eu")).asks(&Interest::default(), now);
    let ask = asks.into_iter().find(|ask| ask.key == "alerts").expect("always asked");
    let reply =
        Reply { status: 200, body, retry_after: None, date: None, sent: now, received: now };
    group.throughput(Throughput::Bytes(reply.body.len() as u64));
    group.bench_function("20k alerts", |b| {
        // A new connector each time: one that has seen the body does not read it again.
        b.iter_batched(
            || Alertmanager::new(SiteId::new("eu")),
            |connector| connector.parse(&source, &ask, black_box(&reply)).expect("valid").len(),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(std::time::Duration::from_millis(500))
        .measurement_time(std::time::Duration::from_secs(3));
    targets = parse
}
criterion_main!(benches);
