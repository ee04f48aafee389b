//! Makes the page of a report from that of the studio, with one script instead of modules: browsers
//! load no modules into a page that was opened from disk.

use std::collections::BTreeSet;

/// What marks elements that are not in a report.
const LEFT_OUT: &str = " data-edits";

/// The modules that `entry` needs as one script. `read` returns the text of a module by its name.
///
/// Each module becomes a function that returns what it exports, called once, after those that it
/// imports. This is right as long as what is exported never changes and no module imports itself
/// through others; other forms of import and export are errors.
pub fn script(entry: &str, read: &dyn Fn(&str) -> Result<String, String>) -> Result<String, String> {
    let mut script = "\"use strict\";\nconst modules = {};\n".to_owned();
    let mut done: Vec<(String, BTreeSet<String>)> = Vec::new();
    add(entry, read, &mut Vec::new(), &mut done, &mut script)?;
    for end in ["</script", "<!--"] {
        if script.to_lowercase().contains(end) {
            return Err(format!("the script has '{end}', which would end it within a page"));
        }
    }
    Ok(script)
}

fn add(
    name: &str,
    read: &dyn Fn(&str) -> Result<String, String>,
    within: &mut Vec<String>,
    done: &mut Vec<(String, BTreeSet<String>)>,
    script: &mut String,
) -> Result<(), String> {
    if within.iter().any(|other| other == name) {
        return Err(format!("{name} imports itself through {}", within.join(", ")));
    }
    if done.iter().any(|(other, _)| other == name) {
        return Ok(());
    }
    within.push(name.to_owned());
    let (mut code, mut exports) = (String::new(), BTreeSet::new());
    for (at, line) in read(name)?.lines().enumerate() {
        let fault = |what: &str| format!("{name}, line {}: {what}: {line}", at + 1);
        if line.starts_with("import ") {
            let (names, from) = import(line).ok_or_else(|| fault("this form of import is not known"))?;
            add(from, read, within, done, script)?;
            let exported = &done.iter().find(|(other, _)| other == from).ok_or(from)?.1;
            let bound = match names {
                Names::All(all) => all.to_owned(),
                Names::Some(list) => {
                    if let Some((missing, _)) = list.iter().find(|(name, _)| !exported.contains(*name)) {
                        return Err(fault(&format!("{from} does not export {missing}")));
                    }
                    let bound = list.iter().map(|(name, own)| match name == own {
                        true => (*name).to_owned(),
                        false => format!("{name}: {own}"),
                    });
                    format!("{{ {} }}", bound.collect::<Vec<_>>().join(", "))
                }
            };
            code.push_str(&format!("const {bound} = modules[{from:?}];\n"));
        } else if let Some(declaration) = line.strip_prefix("export ") {
            let name = exported(declaration).ok_or_else(|| fault("this form of export is not known"))?;
            exports.insert(name.to_owned());
            code.push_str(declaration);
            code.push('\n');
        } else {
            code.push_str(line);
            code.push('\n');
        }
    }
    let list = exports.iter().cloned().collect::<Vec<_>>().join(", ");
    script.push_str(&format!(
        "modules[{name:?}] = (() => {{\n{code}return {{ {list} }};\n}})();\n"
    ));
    within.pop();
    done.push((name.to_owned(), exports));
    Ok(())
}

/// What an import binds.
enum Names<'a> {
    /// The whole module, by this name.
    All(&'a str),
    /// Names, and those by which they are known.
    Some(Vec<(&'a str, &'a str)>),
}

/// Reads `import * as name from "./file.js";` or `import { name, name as own } from "./file.js";`.
fn import(line: &str) -> Option<(Names<'_>, &str)> {
    let (names, from) = line.strip_prefix("import ")?.split_once(" from \"./")?;
    let from = from.strip_suffix("\";")?;
    if let Some(all) = names.strip_prefix("* as ") {
        return is_name(all).then_some((Names::All(all), from));
    }
    let list = names.strip_prefix("{ ")?.strip_suffix(" }")?.split(", ");
    let list: Option<Vec<_>> = list
        .map(|part| {
            let (name, own) = part.split_once(" as ").unwrap_or((part, part));
            (is_name(name) && is_name(own)).then_some((name, own))
        })
        .collect();
    Some((Names::Some(list?), from))
}

/// The name that a declaration after `export` declares. Variables that may change are not taken.
fn exported(declaration: &str) -> Option<&str> {
    let kinds = ["const ", "async function ", "function ", "class "];
    let rest = kinds.iter().find_map(|kind| declaration.strip_prefix(kind))?;
    let end = rest.find(|c: char| !is_letter(c)).unwrap_or(rest.len());
    (end > 0).then(|| &rest[..end])
}

fn is_letter(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$'
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_letter)
}

/// The page of a report, in three pieces: up to where its own head begins, up to where its data and
/// script are, and the rest. `page` is that of the studio, `style` its style sheet.
pub fn page(page: &str, style: &str) -> Result<[String; 3], String> {
    let mut lines = page.lines();
    let (mut pieces, mut piece): (Vec<String>, String) = (Vec::new(), String::new());
    let (mut has_style, mut left_out) = (false, 0);
    while let Some(line) = lines.next() {
        let text = line.trim_start();
        if text.starts_with("<!--") || text.starts_with("<title>") || text.starts_with("<script ") {
            continue;
        }
        if text.contains(LEFT_OUT) {
            left_out += 1;
            let tag: String = text.chars().skip(1).take_while(|c| c.is_ascii_alphanumeric()).collect();
            let end = format!("</{tag}>");
            if !text.ends_with(&end) {
                // It ends on a line of its own, as far to the right as it began.
                let last = format!("{}{end}", &line[..line.len() - text.len()]);
                lines
                    .find(|line| *line == last)
                    .ok_or_else(|| format!("no end of: {line}"))?;
            }
            continue;
        }
        if text == "<link rel=\"stylesheet\" href=\"style.css\">" {
            has_style = true;
            piece.push_str(&format!("<style>\n{style}</style>\n"));
            continue;
        }
        if text == "</body>" {
            pieces.push(std::mem::take(&mut piece));
        }
        piece.push_str(line);
        piece.push('\n');
        if text == "<meta charset=\"utf-8\">" {
            pieces.push(std::mem::take(&mut piece));
        }
    }
    pieces.push(piece);
    if !has_style || left_out == 0 || style.contains("</") {
        return Err("the page has no style sheet or nothing to leave out, or the style sheet has a tag".to_owned());
    }
    <[String; 3]>::try_from(pieces).map_err(|found| format!("the page has {} pieces, not 3", found.len()))
}
