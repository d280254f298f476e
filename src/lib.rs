//! Quarterdeck: a full-screen terminal console for incident command.
//!
//! *connectors → model → view* is what we know; *keys → actions → log events → model* is what we do.
//! Nothing goes from the view back into the model; nothing writes the model but `apply` (facts) and
//! `observe` (what a connector saw).
//!
//! ```text
//!    outside world                                             people
//!         │ observe                                              │ keys, or a subcommand
//!   connectors/ ── Observation ──┐                        keys/ ──► Action
//!         ▲                      ▼                               │
//!         │ perform        runtime/  one loop, one channel       ▼
//!         │                      │                   actions/  decide(&Model, …) ──► LogEvents or a Refusal
//!         └────── Effect ────────┤                               │ append
//!                                ▼                               ▼
//!         analysis/ ──────►    model/  ◄──── apply(record) ──  eventlog/  SQLite
//!      pure algorithms           │
//!                                ▼
//!                      app/ + theme/ ──► view/ ──► terminal          (cli/ prints instead)
//! ```
//!
//! # The modules
//!
//! Which may import which is held by `tests/it/architecture.rs`, this table included.
//!
//! | module | what lives there | imports |
//! |---|---|---|
//! | [`domain`] | the words of the trade: plain values and their rules (alert, objective, service, silence, source, incident, message, playbook, observation, operation) | nothing |
//! | [`analysis`] | pure algorithms over them: burn rates and budgets, what is usual, how far a clock is off, who is likely to blame; each with formula, source and cost | domain |
//! | [`eventlog`] | append-only signed facts: codec, claims, policy, keys and agents, SQLite store, memory store, audit | domain |
//! | [`model`] | what is known now: the fold of the facts (alerts' journal, incidents) and the latest observations, and the queries screens and subcommands ask | domain, analysis, eventlog |
//! | [`connectors`] | one file per outside system, pure; shared poll loop, HTTP client, resilience, secrets, recordings; `outbound`, what reaches people | domain, analysis |
//! | [`actions`] | what a person can mean: the one table of actions, the rules of `decide` (incidents too), updates, delivery tests, command line, finder | domain, analysis, eventlog, model |
//! | [`keys`] | chords to actions, from `keymaps/*.toml`; hints | domain, actions |
//! | [`theme`] | meanings to styles, from `themes/*.toml` | domain |
//! | [`app`] | the running console: its state and the one `update(&mut State, Msg) -> Vec<Effect>` | domain, analysis, eventlog, model, connectors, actions, keys |
//! | [`view`] | `draw(&State, …) -> Drawn`; one file per screen and dialog | domain, analysis, eventlog, model, actions, keys, theme, app |
//! | [`config`] | settings, catalog, objectives, playbook and policy from files, with every mistake placed | domain, analysis, eventlog, connectors |
//! | [`runtime`] | the loop with its channels and threads, the outbox, the terminal, the clock; performs effects | everything above |
//! | [`cli`] | subcommands, over the same connectors, model and rules | domain, analysis, eventlog, model, connectors, actions, keys, config, runtime |
//!
//! Crates are confined the same way: ratatui to [`view`], [`theme`], [`runtime`] and the text editor
//! of [`app`]; the HTTP client and the SQLite crate to one file each; the clock to one file; tokio out of
//! everything pure.
//!
//! # What never happens
//!
//! - Nothing but the loop owns state: no lock, cell or global in domain, analysis, model, actions, app, view.
//! - The loop awaits nothing but its channels and the next tick. Disk, network and certificates are on other
//!   threads and tasks; the only thing it writes to is the terminal.
//! - [`app::update()`], [`actions::decide()`], [`model::Model::apply`], [`connectors::Connector::parse`] and all of
//!   [`analysis`] do no I/O, read no clock, draw no lots. Time comes in as a value.
//! - Drawing never writes: [`view::draw`] has a shared reference and gives back only what was seen.
//!   It never panics, at any size, with any content.
//! - Nothing is selected by row number: selections are ids, so rows may move and vanish below them.
//! - No record is ever deleted or changed; a later one withdraws an earlier one.
//! - Nothing is shown as saved before it is on the disk. Nothing outside is changed before the request is
//!   recorded, and a lost answer is *unknown*, never failed, never done, never sent again.
//! - What only one may do (command, an attempt of the outbox, a machine's fact) is a [`eventlog::Claim`]: the store
//!   takes one record and tells the other who was first. No screen decides it.
//! - Who may do what is judged by whoever reads the record ([`eventlog::Policy`], in [`model::Model::apply`]), not
//!   by the screen that wrote it. What is refused stays in the log and changes nothing.
//! - State is a fold: the same records in any order, or twice, give the same state. Nothing relies on one clock,
//!   one writer or one numbering.
//! - What goes out goes through the outbox: requested, attempted, ended, each a record; every attempt has the key
//!   of its request. A crash between any two leaves something to look up, never something to repeat blindly.
//! - No text from outside is drawn, logged, copied or sent before it is a [`domain::SafeText`].
//! - No value is shown without its source and age being known; zero, NaN, no data and not answered are never
//!   the same thing, and nothing is green without data.
//! - No secret is written down, printed or in an error; no credential follows a redirect.
//! - Nothing panics in normal operation, and no way out leaves the terminal changed.
//!
//! # Where to start reading
//!
//! 1. [`domain`], the words everything else is said in; then [`app::Msg`] and [`app::Effect`], all that comes into
//!    the loop and goes out of it.
//! 2. [`runtime::run`], the loop itself; [`app::update()`], what each message does.
//! 3. One thing all the way down: a silence, from the key `s` in `app::dialogs` to [`actions::decide()`], to
//!    [`eventlog::LogEvent::OperationRequested`], to `connectors::alertmanager`, back as
//!    [`app::Msg::Performed`]. And one thing all the way up: a budget, from `connectors::prometheus` to
//!    [`model::SloBook`] and [`analysis::burn`] to `view::screens::slos`.
//!
//! 4. An incident: [`eventlog::IncidentEvent`], what can happen; `model::incidents`, what it comes to;
//!    `actions::incident`, who may do it when; `runtime::outbox`, how a published update leaves the house once.
//!
//! How to add a connector, a screen, an action, a channel, a tracker or a log event is in the README.

// In the order of the flow.
pub mod domain;

pub mod analysis;

pub mod eventlog;

pub mod model;

pub mod connectors;

pub mod actions;

pub mod keys;

pub mod theme;

pub mod app;

pub mod view;

pub mod config;

pub mod runtime;

pub mod cli;
