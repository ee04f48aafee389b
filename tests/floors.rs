//! Checks the layers of modules: each module has a layer, and imports only from the layers below.
//! Circular imports between files are not allowed either.

mod sources_support;

use sources_support::{code, sources};
use std::collections::{BTreeMap, BTreeSet};

/// The library's modules, lowest layer first. Modules of one layer do not import each other.
const FLOORS: &[&[&str]] = &[
    &["shown", "syntax"],
    &["error", "foreign", "regular", "theory", "time"],
    &["buffer", "cache", "limits", "progress", "table"],
    &["marks", "settings"],
    &["model", "video"],
    &["pose"],
    &["rhythm"],
    &["drums"],
    &["music"],
    &["answer"],
    &["score"],
    &["audio"],
    &["export"],
    &["pipeline"],
];

/// The modules of one crate, by path (`pose::crop`; the root is empty), with their imports.
struct Graph {
    imports: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    fn of(folder: &str) -> Self {
        let texts: BTreeMap<String, String> = sources(folder)
            .into_iter()
            .map(|(file, text)| (module(folder, &file), code(&text)))
            .collect();
        Self::from(&texts)
    }

    fn from(texts: &BTreeMap<String, String>) -> Self {
        let passed_on: BTreeMap<&str, Vec<String>> = texts
            .iter()
            .map(|(module, text)| (module.as_str(), uses(text, true)))
            .collect();
        let reader = Reader { texts, passed_on };
        let imports = texts
            .iter()
            .map(|(module, text)| {
                let named = uses(text, false).into_iter().chain(paths(text));
                let found = named.filter_map(|path| reader.resolve(module, &path));
                (module.clone(), found.filter(|other| other != module).collect())
            })
            .collect();
        Self { imports }
    }

    /// Modules that import each other, directly or indirectly: the first circle found.
    fn circle(&self) -> Option<Vec<String>> {
        self.imports.keys().find_map(|start| {
            let mut trail = vec![start.clone()];
            let mut seen = BTreeSet::new();
            self.back_to(start, start, &mut trail, &mut seen).then_some(trail)
        })
    }

    fn back_to(&self, start: &str, at: &str, trail: &mut Vec<String>, seen: &mut BTreeSet<String>) -> bool {
        for next in self.imports.get(at).into_iter().flatten() {
            if next == start {
                return true;
            }
            if seen.insert(next.clone()) {
                trail.push(next.clone());
                if self.back_to(start, next, trail, seen) {
                    return true;
                }
                trail.pop();
            }
        }
        false
    }
}

/// The path of a file's module.
fn module(folder: &str, file: &str) -> String {
    let name = file
        .trim_start_matches(folder)
        .trim_start_matches('/')
        .trim_end_matches(".rs");
    let path = name.trim_end_matches("/mod").replace('/', "::");
    if ["lib", "main", "mod"].contains(&path.as_str()) {
        return String::new();
    }
    path
}

/// The paths of `use` declarations; with `public` those that re-export names, otherwise those that
/// import them.
fn uses(text: &str, public: bool) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("use ") {
        let line = text[..at].rsplit('\n').next().unwrap_or_default().trim();
        let passes_on = line.starts_with("pub");
        if passes_on != public || !(line.is_empty() || passes_on) {
            continue;
        }
        let declaration = text[at + 4..].split(';').next().unwrap_or_default();
        expand(
            &declaration.split_whitespace().collect::<Vec<_>>().join(" "),
            "",
            &mut found,
        );
    }
    found
}

/// Expands `a::{b, c::{d, e}}`.
fn expand(tree: &str, before: &str, found: &mut Vec<String>) {
    let Some((head, rest)) = tree.split_once('{') else {
        let name = tree.split(" as ").next().unwrap_or_default().trim();
        found.push(format!("{before}{name}").trim_end_matches("::self").to_owned());
        return;
    };
    let inner = rest.trim().strip_suffix('}').unwrap_or(rest);
    let (mut depth, mut from) = (0, 0);
    for (at, c) in inner.char_indices().chain([(inner.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let item = inner[from..at].trim();
                if !item.is_empty() {
                    expand(item, &format!("{before}{}", head.trim()), found);
                }
                from = at + 1;
            }
            _ => {}
        }
    }
}

/// Paths in the code itself, not in `use` declarations: `crate::a::b`, `super::b`, and `child::c`
/// of a module's own child.
fn paths(text: &str) -> Vec<String> {
    let declares = |line: &str| {
        ["use ", "pub use ", "pub(crate) use ", "pub(super) use "]
            .iter()
            .any(|u| line.starts_with(u))
    };
    let mut code = String::new();
    let mut declaring = false;
    for line in text.lines() {
        declaring |= declares(line.trim_start());
        if !declaring {
            code.push_str(line);
            code.push('\n');
        }
        declaring &= !line.contains(';');
    }
    let text = code.as_str();
    let part = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = Vec::new();
    for (at, _) in text.match_indices("::") {
        let from = text[..at].rfind(|c| !part(c)).map_or(0, |i| i + 1);
        if from == at || text[..from].ends_with("::") {
            continue;
        }
        let end = text[from..]
            .find(|c| !part(c) && c != ':')
            .map_or(text.len(), |i| from + i);
        found.push(text[from..end].trim_end_matches(':').to_owned());
    }
    found
}

struct Reader<'a> {
    texts: &'a BTreeMap<String, String>,
    passed_on: BTreeMap<&'a str, Vec<String>>,
}

impl Reader<'_> {
    /// The module that defines what `path` names in `module`; `None` for other crates.
    fn resolve(&self, module: &str, path: &str) -> Option<String> {
        let mut names: Vec<&str> = path.split("::").collect();
        let parent = |module: &str| {
            module
                .rsplit_once("::")
                .map_or(String::new(), |(parent, _)| parent.to_owned())
        };
        let mut at = match names[0] {
            "crate" => {
                names.remove(0);
                String::new()
            }
            "self" => {
                names.remove(0);
                module.to_owned()
            }
            "super" => {
                let mut at = module.to_owned();
                while names.first() == Some(&"super") {
                    names.remove(0);
                    at = parent(&at);
                }
                at
            }
            first => {
                self.texts.get(&join(module, first))?;
                module.to_owned()
            }
        };
        while let Some(name) = names.first() {
            let next = join(&at, name);
            if !self.texts.contains_key(&next) {
                break;
            }
            at = next;
            names.remove(0);
        }
        // A name that the module only re-exports is defined elsewhere.
        let passed = names.first().and_then(|name| {
            let all = self.passed_on.get(at.as_str())?;
            all.iter().find(|path| path.rsplit("::").next() == Some(name))
        });
        match passed {
            Some(path) => self.resolve(&at, path).or(Some(at)),
            None => Some(at),
        }
    }
}

fn join(module: &str, name: &str) -> String {
    if module.is_empty() {
        return name.to_owned();
    }
    format!("{module}::{name}")
}

fn graph(files: &[(&str, &str)]) -> Graph {
    let own = |(module, text): &(&str, &str)| ((*module).to_owned(), code(text));
    Graph::from(&files.iter().map(own).collect())
}

#[test]
fn the_reader_follows_names_to_their_definitions() {
    let read = graph(&[
        ("", "pub mod a;"),
        (
            "a",
            "pub use b::{self, Thing};\nuse crate::c::{One, d::{Two, Three}};\nfn f() { b::call(); }",
        ),
        ("a::b", "pub struct Thing; // crate::c::One\n"),
        ("c", "use std::fmt;\nuse super::a::Thing;"),
        ("c::d", "fn f() -> crate::a::Thing { todo() }"),
    ]);
    let of = |module: &str| read.imports[module].iter().cloned().collect::<Vec<_>>();
    assert_eq!(of("a"), ["a::b", "c", "c::d"]);
    assert!(of("a::b").is_empty());
    assert_eq!(of("c"), ["a::b"]);
    assert_eq!(of("c::d"), ["a::b"]);
    assert_eq!(read.circle(), None);
}

#[test]
fn a_circle_is_found_however_long() {
    let two = graph(&[("a", "use crate::b::B;"), ("b", "use super::a::A;")]);
    assert_eq!(two.circle(), Some(vec!["a".to_owned(), "b".to_owned()]));
    let three = graph(&[
        ("a", "use crate::b::B;"),
        ("b", "use crate::c::C;"),
        ("c", "fn f() { crate::a::f() }"),
    ]);
    assert_eq!(three.circle().map(|circle| circle.len()), Some(3));
    let parent = graph(&[("a", "use b::B;\nstruct A;"), ("a::b", "use super::A;")]);
    assert!(parent.circle().is_some());
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    for folder in ["src", "cli/src", "ffi/src", "studio/src"] {
        let circle = Graph::of(folder).circle();
        assert_eq!(circle, None, "{folder} has a circle of imports");
    }
}

#[test]
fn imports_lead_down() {
    let floor = |module: &str| FLOORS.iter().position(|names| names.contains(&module));
    for (module, imports) in &Graph::of("src").imports {
        let own = module.split("::").next().unwrap_or_default();
        if own.is_empty() {
            continue;
        }
        let stands = floor(own);
        assert!(stands.is_some(), "{own} has no layer: add it to FLOORS");
        for import in imports {
            let other = import.split("::").next().unwrap_or_default();
            assert!(
                other == own || floor(other) < stands && !other.is_empty(),
                "{module} imports {import}, which is not in a layer below it"
            );
        }
    }
}
