//! A timeline of a million entries: folding it, filtering it, one page of it, one late entry more.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use quarterdeck::domain::{
    Actor, Cause, EntryKind, Impact, IncidentId, SafeText, Severity, Timestamp,
};
use quarterdeck::eventlog::{
    Declared, EntryMade, Hybrid, IncidentEvent, KeyId, LogEvent, Origin, Policy, Recorded, Stamp,
    id_of,
};
use quarterdeck::model::incidents::{Filtered, IncidentBook, TimelineFilter};

const ENTRIES: u64 = 1_000_000;
const BEGIN: i64 = 1_795_356_000_000;

fn incident() -> IncidentId {
    IncidentId::new("INC-7KQ4M")
}

fn recorded(n: u64, event: IncidentEvent) -> Recorded {
    let millis = BEGIN + (n * 100).cast_signed();
    let writer = (n % 7) as u8;
    Recorded {
        id: id_of(&n.to_le_bytes()),
        actor: Actor::new(
            ["alice", "bob", "carol", "dave", "erin", "frank", "grace"][writer as usize],
        ),
        key: KeyId([writer; 32]),
        at: Timestamp::from_millis(millis),
        stamp: Stamp { hybrid: Hybrid { millis, count: 0 }, origin: Origin([writer; 16]), seq: n },
        event: Some(LogEvent::Incident { incident: incident(), event }),
    }
}

fn declared() -> Recorded {
    let event = Declared {
        title: "Checkout fails".into(),
        severity: Severity::Sev2,
        reason: "".into(),
        services: Vec::new(),
        impact: Impact::default(),
        cause: Cause::Nothing,
        onset: None,
    };
    recorded(0, event.into())
}

/// One entry in ten is backdated by up to ten minutes.
fn entry(n: u64) -> Recorded {
    let happened = n.is_multiple_of(10).then(|| {
        let back = (n * 7_919 % 600_000).cast_signed();
        Timestamp::from_millis(BEGIN + (n * 100).cast_signed() - back)
    });
    let event = EntryMade {
        kind: EntryKind::ALL[(n % 5) as usize],
        text: SafeText::new(&format!("step {n}: looked at shard {} of the order store", n % 64)),
        happened,
        spoken_by: None,
        evidence: None,
        about: None,
    };
    recorded(n, event.into())
}

fn incidents(c: &mut Criterion) {
    let records: Vec<Recorded> =
        std::iter::once(declared()).chain((1..=ENTRIES).map(entry)).collect();
    let duties = Policy::default();
    let fold = |records: &[Recorded]| {
        let mut book = IncidentBook::default();
        records.iter().for_each(|record| book.apply(record, &duties));
        book
    };
    let mut group = c.benchmark_group("timeline of a million");
    group.sample_size(10).measurement_time(Duration::from_secs(15));
    group.bench_function("fold", |b| b.iter_with_large_drop(|| fold(&records)));
    let book = fold(&records);
    let timeline = &book.incidents[&incident()].timeline;
    for text in ["kind=action by=bob", "shard 17", "by=alice nothing-like-it"] {
        let filter = TimelineFilter::parse(text).unwrap_or_default();
        group.bench_function(format!("filter {text}"), |b| {
            b.iter(|| Filtered::new(filter.clone(), timeline).rows().len());
        });
    }
    group.bench_function("page of 60 lines", |b| {
        b.iter(|| {
            timeline.page(500_000..500_060).map(|line| black_box(line).text.len()).sum::<usize>()
        });
    });
    group.bench_function("row of a record", |b| {
        b.iter(|| timeline.row_of(black_box(records[777_777].id)));
    });
    let mut grown = book.clone();
    let mut next = ENTRIES;
    group.bench_function("one entry more, an hour back", |b| {
        b.iter_batched(
            || {
                next += 1;
                let mut record = entry(next);
                if let Some(LogEvent::Incident { event: IncidentEvent::EntryMade(event), .. }) =
                    &mut record.event
                {
                    event.happened = Some(Timestamp::from_millis(record.at.millis() - 3_600_000));
                }
                record
            },
            |record| grown.apply(&record, &duties),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, incidents);
criterion_main!(benches);
