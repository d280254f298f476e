//! Reading keymaps: three are built in, a person's file changes one in part.
//!
//! ```toml
//! inherits = "default"     # or "none"; without it, the built-in keymap of the same name
//! [global]
//! "x" = "silence"
//! "g g" = "top"
//! "s" = "none"             # unbinds
//! [alerts]                 # a screen; also [playback] and [prompt]
//! ```

use super::chord::{parse_sequence, print_sequence};
use super::keymap::{Binding, Context, Keymap, PromptAction};
use super::{Chord, Key};
use crate::actions::{ACTIONS, Action, Screen};
use crate::domain::{Fault, Section, Setting, nearest, sections};

/// The keymaps that are built in.
pub const NAMES: [&str; 3] = ["default", "emacs", "arrows"];

const UNBOUND: &str = "none";

fn built_in(name: &str) -> Option<(&'static str, &'static str)> {
    match name {
        "default" => Some(("keymaps/default.toml", include_str!("../../keymaps/default.toml"))),
        "emacs" => Some(("keymaps/emacs.toml", include_str!("../../keymaps/emacs.toml"))),
        "arrows" => Some(("keymaps/arrows.toml", include_str!("../../keymaps/arrows.toml"))),
        _ => None,
    }
}

/// Loads the keymap `name`; `user` is the person's file for it (path and text), if there is one.
/// Every mistake is reported at once, and then nothing of the file is used.
pub fn load(name: &str, user: Option<(&str, &str)>) -> Result<Keymap, Vec<Fault>> {
    let mut chain = Vec::new();
    let mut next = match user {
        Some((file, text)) => Some((file, text, built_in(name).is_some().then_some(name))),
        None => built_in(name).map(|(file, text)| (file, text, None)),
    };
    if next.is_none() {
        return Err(vec![Fault::at("keymap", "", 0, &no_such_keymap(name))]);
    }
    while let Some((file, text, fallback)) = next {
        let read = sections(file, text)?;
        let parent = inherited(file, text, &read)?;
        // A person's file of a new name starts from the default; a built-in one from nothing.
        let start = fallback.or(user.is_some_and(|(of, _)| of == file).then_some("default"));
        chain.push((file, text, read));
        next = match parent.as_deref().or(start) {
            None | Some(UNBOUND) => None,
            Some(parent) => built_in(parent).map(|(file, text)| (file, text, None)),
        };
    }
    let mut bindings: Vec<Binding> = Vec::new();
    let mut prompt: Vec<(Chord, Option<PromptAction>)> = Vec::new();
    for (index, (file, text, read)) in chain.iter().enumerate() {
        let mut reader = Reader { index, file, text, faults: Vec::new() };
        let own = reader.bindings(read);
        let own_prompt = reader.prompt(read);
        if !reader.faults.is_empty() {
            return Err(reader.faults);
        }
        for binding in own {
            // The heir's word on the same keys stands; "none" has then done its work here.
            match bindings.iter().position(|b| same_keys(b, &binding)) {
                Some(at) if bindings[at].action.is_none() => drop(bindings.remove(at)),
                Some(_) => {}
                None => bindings.push(binding),
            }
        }
        for (chord, action) in own_prompt {
            if !prompt.iter().any(|(c, _)| *c == chord) {
                prompt.push((chord, action));
            }
        }
    }
    let prompt = prompt.into_iter().filter_map(|(chord, action)| Some((chord, action?))).collect();
    Ok(Keymap::new(name, bindings, prompt, |(winner, loser)| {
        let of = if loser.place.0 <= winner.place.0 { loser } else { winner };
        let (file, text, _) = &chain[of.place.0];
        let what = format!(
            "`{}` ({}) cannot be reached, because `{}` ({}) is in its way.",
            print_sequence(&loser.chords),
            loser.action.map_or(UNBOUND, |a| a.spec().name),
            print_sequence(&winner.chords),
            winner.action.map_or(UNBOUND, |a| a.spec().name),
        );
        Fault::at(file, text, of.place.1, &what)
    }))
}

fn same_keys(a: &Binding, b: &Binding) -> bool {
    a.context == b.context && a.chords == b.chords
}

fn no_such_keymap(name: &str) -> String {
    let hint =
        nearest(name, NAMES).map_or(String::new(), |near| format!(" Did you mean `{near}`?"));
    format!("There is no keymap `{name}`.{hint} Known are {}.", NAMES.join(", "))
}

fn inherited(file: &str, text: &str, read: &[Section]) -> Result<Option<String>, Vec<Fault>> {
    let mut parent = None;
    for setting in read.iter().filter(|s| s.name.is_empty()).flat_map(|s| &s.settings) {
        if setting.key != "inherits" {
            let what = format!("`{}` is not known here; did you mean `inherits`?", setting.key);
            return Err(vec![Fault::at(file, text, setting.key_at, &what)]);
        }
        if setting.value != UNBOUND && built_in(&setting.value).is_none() {
            let what = no_such_keymap(&setting.value);
            return Err(vec![Fault::at(file, text, setting.value_at, &what)]);
        }
        parent = Some(setting.value.clone());
    }
    Ok(parent)
}

/// Turns one file into bindings, collecting every mistake.
struct Reader<'a> {
    index: usize,
    file: &'a str,
    text: &'a str,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    fn fault(&mut self, at: usize, what: &str) {
        self.faults.push(Fault::at(self.file, self.text, at, what));
    }

    fn bindings(&mut self, read: &[Section]) -> Vec<Binding> {
        let mut own: Vec<Binding> = Vec::new();
        for section in read.iter().filter(|s| !matches!(s.name.as_str(), "" | "prompt")) {
            let Some(context) = self.context(section) else { continue };
            for setting in &section.settings {
                let Some(binding) = self.binding(context, setting) else { continue };
                if own.iter().any(|b| same_keys(b, &binding)) {
                    let keys = print_sequence(&binding.chords);
                    self.fault(setting.key_at, &format!("`{keys}` is bound twice in this table."));
                }
                own.push(binding);
            }
        }
        own
    }

    fn context(&mut self, section: &Section) -> Option<Context> {
        let screens = Screen::ALL.iter().map(|s| (s.name(), Context::Screen(*s)));
        let known: Vec<(&str, Context)> =
            screens.chain([("playback", Context::Playback), ("global", Context::Global)]).collect();
        let found = known.iter().find(|(name, _)| *name == section.name).map(|(_, c)| *c);
        if found.is_none() {
            let names: Vec<_> = known.iter().map(|(name, _)| *name).chain(["prompt"]).collect();
            let hint = nearest(&section.name, names.iter().copied())
                .map_or(String::new(), |near| format!(" Did you mean [{near}]?"));
            let what = format!(
                "[{}] is not a table of keymaps.{hint} Known are {}.",
                section.name,
                names.join(", ")
            );
            self.fault(section.at, &what);
        }
        found
    }

    fn binding(&mut self, context: Context, setting: &Setting) -> Option<Binding> {
        let chords = self.chords(setting)?;
        let place = (self.index, setting.key_at);
        if setting.value == UNBOUND {
            return Some(Binding { context, chords, action: None, place });
        }
        let Some(action) = Action::named(&setting.value) else {
            let names = ACTIONS.iter().map(|s| s.name);
            self.unknown_action(setting, names.collect());
            return None;
        };
        if let Context::Screen(screen) = context
            && !action.applies(screen, true)
        {
            let what = format!("`{action}` does nothing on the {} screen.", screen.title());
            self.fault(setting.value_at, &what);
            return None;
        }
        Some(Binding { context, chords, action: Some(action), place })
    }

    fn prompt(&mut self, read: &[Section]) -> Vec<(Chord, Option<PromptAction>)> {
        let mut own = Vec::new();
        for setting in read.iter().filter(|s| s.name == "prompt").flat_map(|s| &s.settings) {
            let Some(chords) = self.chords(setting) else { continue };
            let [chord] = chords.as_slice() else {
                self.fault(setting.key_at, "While text is typed, only single keys can be bound.");
                continue;
            };
            let action = PromptAction::ALL.iter().find(|(name, _)| *name == setting.value);
            if action.is_none() && setting.value != UNBOUND {
                self.unknown_action(setting, PromptAction::ALL.map(|(name, _)| name).to_vec());
                continue;
            }
            own.push((*chord, action.map(|(_, action)| *action)));
        }
        own
    }

    fn chords(&mut self, setting: &Setting) -> Option<Vec<Chord>> {
        let read = parse_sequence(&setting.key);
        let chords = read.map_err(|what| self.fault(setting.key_at, &format!("{what}."))).ok()?;
        if chords.len() > 1 && chords.contains(&Chord::plain(Key::Esc)) {
            self.fault(setting.key_at, "Esc gives a sequence up, so it cannot be part of one.");
            return None;
        }
        Some(chords)
    }

    fn unknown_action(&mut self, setting: &Setting, known: Vec<&str>) {
        let hint = nearest(&setting.value, known)
            .map_or(String::new(), |near| format!(" Did you mean `{near}`?"));
        self.fault(setting.value_at, &format!("`{}` is not an action.{hint}", setting.value));
    }
}
