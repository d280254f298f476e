//! What goes down with a service, in words: when it fails or is cut off, and when it is drained. The two
//! are not the same, and neither is said for the other.

use super::{Told, share};
use crate::analysis::graph::{Blast, Drain, TakesOver, blast, drain};
use crate::domain::{Graph, NodeIx, NodeKey};
use crate::model::{Model, Suppose};

impl Model {
    /// What the failure or the cutting off of a service would take down, and what its drain would.
    pub fn told_blast(&self, key: &NodeKey) -> Vec<Told> {
        let graph = self.map.graph();
        let Some(at) = graph.find(key) else {
            return vec![Told::warn("The map does not know it.")];
        };
        let mut told = Vec::new();
        if !graph.node(at).declared {
            told.push(Told::warn(
                "No catalog declares it, so what hangs from it may be incomplete.",
            ));
        }
        told.push(Told::Head("Cut off: it answers nobody and calls nobody"));
        let cut = blast(graph, &[at]);
        self.tell_lost(graph, &cut, &mut told);
        told.push(Told::Head("Drained: it ends what it has, the rest goes elsewhere"));
        self.tell_drain(key, &drain(graph, &[at]), &mut told);
        told
    }

    /// What fails, degrades and goes idle.
    fn tell_lost(&self, graph: &Graph, blast: &Blast, told: &mut Vec<Told>) {
        let name = |at: NodeIx| graph.node(at).key.label().to_string();
        told.push(Told::text(&match blast.of_all {
            Some(lost) => format!("Of all requests from outside, {} would be lost.", share(lost)),
            None => "How much of all traffic would be lost is not known.".to_owned(),
        }));
        if blast.hit.is_empty() {
            told.push(Told::text("Nothing that is known fails with it: no hard call leads to it."));
        }
        let path = |of: NodeIx| {
            let path: Vec<_> = blast.path(graph, of).into_iter().map(name).collect();
            path.join(" > ")
        };
        for hit in &blast.hit {
            let service = &graph.node(hit.node).key.service;
            let slos: Vec<_> = self.objectives_of(service).map(|s| s.slo.as_str()).collect();
            let slos = if slos.is_empty() { "no objective".to_owned() } else { slos.join(" ") };
            let known = if hit.known { "" } else { " (the worse is taken where it is not known)" };
            let text = format!(
                "loses {}{known}; {}; {slos}; by {}",
                share(hit.lost),
                self.owner_of(service),
                path(hit.node)
            );
            told.push(Told::pair(&name(hit.node), &text));
        }
        for one in &blast.degraded {
            let service = &graph.node(one.node).key.service;
            let text = format!("degrades only; {}; by {}", self.owner_of(service), path(one.node));
            told.push(Told::pair(&name(one.node), &text));
        }
        if !blast.idle.is_empty() {
            let idle: Vec<_> = blast.idle.iter().map(|at| name(*at)).collect();
            told.push(Told::pair("goes idle", &idle.join(", ")));
        }
    }

    fn tell_drain(&self, key: &NodeKey, drain: &Drain, told: &mut Vec<Told>) {
        let graph = &drain.left;
        for one in &drain.takes_over {
            told.push(Told::pair(&graph.node(one.node).key.label(), &more(one)));
        }
        let service = self.catalog.services.get(&key.service);
        let zones = service.map_or(0, |service| service.zones.len());
        if zones > 1 {
            let times = zones as f64 / (zones - 1) as f64;
            told.push(Told::text(&format!(
                "It runs in {zones} zones: drained out of one, the others carry {times:.1} times \
                 their load, and its callers notice nothing."
            )));
        }
        let (stranded, moved) = (&drain.stranded, !drain.takes_over.is_empty());
        if !moved {
            told.push(Told::warn(if zones > 1 {
                "Nothing is known to take over all of it; drained everywhere it is as good as cut \
                 off, after what is under way has ended:"
            } else {
                "Nothing is known to take over from it, so a drain is as good as a cut, after what \
                 is under way has ended:"
            }));
            self.tell_lost(graph, stranded, told);
        } else if stranded.hit.is_empty() && stranded.degraded.is_empty() {
            told.push(Told::text("Nothing fails: all that call it have somewhere else to go."));
        } else {
            told.push(Told::warn("These have nowhere else to go:"));
            self.tell_lost(graph, stranded, told);
        }
        if moved {
            told.push(self.tell_strain(key));
        }
    }

    /// The first resource that breaks under what a drain moves.
    fn tell_strain(&self, key: &NodeKey) -> Told {
        match self.what_if(&Suppose::Drain(key.service.clone())) {
            Err(sentence) => Told::Text(sentence),
            Ok(supposed) => match supposed.first() {
                Some(_) => Told::warn(&supposed.breaks()),
                None => Told::text(&supposed.breaks()),
            },
        }
    }
}

/// How much more something gets.
fn more(one: &TakesOver) -> String {
    match (one.rate, one.times) {
        (Some(rate), Some(times)) => {
            format!("takes over: {rate:.1}/s more, {times:.1} times its load")
        }
        (Some(rate), None) => {
            format!("takes over: {rate:.1}/s more; what it takes now is not known")
        }
        _ => "takes over; how much more it gets is not known".to_owned(),
    }
}
