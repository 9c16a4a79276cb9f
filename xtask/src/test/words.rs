//! Limits how often comments and Markdown use words that make a reader stop.
//!
//! Each rule in `words.json` has a regular expression, a limit per 1,000 words of prose, and better
//! words. If the expression has a group, only the group is reported.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use regex_lite::Regex;
use serde::Deserialize;

use super::outcome::Outcome;
use crate::prose::{self, Paragraph};
use crate::run::{root, tracked_files};

const RULES: &str = include_str!("../../words.json");

#[derive(Debug, Deserialize)]
struct Rule {
    name: String,
    pattern: String,
    /// Largest number of uses per 1,000 words.
    limit: f64,
    instead: String,
}

/// A place where the prose matches a rule.
#[derive(Debug)]
struct Match {
    file: PathBuf,
    line: usize,
    /// The match with some text on both sides.
    text: String,
}

/// Searches all files of the repository.
pub fn check() -> Result<Outcome> {
    let mut files = Vec::new();
    for name in tracked_files()? {
        let Ok(text) = fs::read_to_string(root().join(&name)) else {
            // Binary, or deleted but still listed.
            continue;
        };
        if let Some(paragraphs) = prose::paragraphs(&name, &text)? {
            files.push((name, paragraphs));
        }
    }
    let failures = failures(&rules()?, &files)?;
    Ok(if failures.is_empty() {
        Outcome::Passed
    } else {
        Outcome::Failed(failures.join("; "))
    })
}

fn rules() -> Result<Vec<Rule>> {
    serde_json::from_str(RULES).context("xtask/words.json")
}

/// Prints the matches of every rule whose limit is exceeded, and returns a line for each.
fn failures(rules: &[Rule], files: &[(PathBuf, Vec<Paragraph>)]) -> Result<Vec<String>> {
    let paragraphs = files.iter().flat_map(|(_, paragraphs)| paragraphs);
    let words: usize = paragraphs.map(Paragraph::words).sum();
    anyhow::ensure!(words > 0, "no prose was found");
    println!("{words} words of prose");
    let mut failures = Vec::new();
    for rule in rules {
        let matches = matches(rule, files)?;
        let rate = 1000.0 * matches.len() as f64 / words as f64;
        if rate > rule.limit {
            for Match { file, line, text } in &matches {
                println!("{}:{line}: {text}", file.display());
            }
            let (name, limit) = (&rule.name, rule.limit);
            let summary = format!("{name}: {rate:.2} per 1,000 words, limit {limit}");
            println!("{summary}; use instead: {}\n", rule.instead);
            failures.push(summary);
        }
    }
    Ok(failures)
}

/// Finds the matches of a rule in all files.
fn matches(rule: &Rule, files: &[(PathBuf, Vec<Paragraph>)]) -> Result<Vec<Match>> {
    let pattern = Regex::new(&rule.pattern).with_context(|| rule.name.clone())?;
    let mut matches = Vec::new();
    for (file, paragraphs) in files {
        for paragraph in paragraphs {
            for range in find(&pattern, &paragraph.text) {
                matches.push(Match {
                    file: file.clone(),
                    line: paragraph.line(range.start),
                    text: around(&paragraph.text, range),
                });
            }
        }
    }
    Ok(matches)
}

/// Finds all matches. The next search begins right after the reported part, because the rest of a
/// match can begin another one. An example is the end of a sentence.
fn find(pattern: &Regex, text: &str) -> Vec<std::ops::Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    while let Some(captures) = pattern.captures_at(text, start) {
        let Some(words) = captures.get(1).or_else(|| captures.get(0)) else {
            break;
        };
        found.push(words.range());
        start = words.end().max(start + 1);
        if start > text.len() {
            break;
        }
    }
    found
}

/// Returns some characters on both sides of a match.
fn around(text: &str, range: std::ops::Range<usize>) -> String {
    const CHARACTERS: usize = 30;
    let before = text[..range.start]
        .char_indices()
        .rev()
        .take(CHARACTERS)
        .last();
    let after = text[range.end..].char_indices().nth(CHARACTERS);
    let start = before.map_or(range.start, |(at, _)| at);
    let end = after.map_or(text.len(), |(at, _)| range.end + at);
    text[start..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn files(name: &str, text: &str) -> Vec<(PathBuf, Vec<Paragraph>)> {
        let paragraphs = prose::paragraphs(Path::new(name), text).unwrap();
        vec![(name.into(), paragraphs.unwrap())]
    }

    /// Returns the lines of a file that each rule matches.
    fn lines(name: &str, text: &str) -> Vec<(String, Vec<usize>)> {
        let files = files(name, text);
        let mut found = Vec::new();
        for rule in rules().unwrap() {
            let matches = matches(&rule, &files).unwrap();
            let lines: Vec<_> = matches.iter().map(|one| one.line).collect();
            if !lines.is_empty() {
                found.push((rule.name, lines));
            }
        }
        found
    }

    #[test]
    fn rate_above_limit_fails() {
        let failures = |other_words: usize| {
            let text = "told ".to_owned() + &"word ".repeat(other_words);
            failures(&rules().unwrap(), &files("a.md", &text)).unwrap()
        };
        assert_eq!(failures(3332), ["tell: 0.30 per 1,000 words, limit 0.3"]);
        assert_eq!(failures(3333), [""; 0]);
    }

    #[test]
    fn words_are_found_in_comments() {
        let text = [
            "//! It tells this,",
            "//! too. What is here is told.",
            "fn tell() { \"told\" } // What",
            "/// Of all `tell`s, for who may go on?",
            "// What is it? Also if it is",
            "// read anew.",
        ];
        let expected = [
            ("tell", vec![1, 2]),
            ("sentence that begins with \"What\" as a noun", vec![2, 3]),
            ("sentence that begins with \"Of\"", vec![4]),
            (", too", vec![1]),
            ("who without a noun", vec![4]),
            ("also if", vec![5]),
            ("anew", vec![6]),
        ];
        let expected = expected.map(|(name, lines)| (name.to_owned(), lines));
        assert_eq!(lines("a.rs", &text.join("\n")), expected);
    }

    #[test]
    fn plain_prose_has_no_hits() {
        let text = [
            "# What is this?",
            "",
            "A user who has `CAP_TELL` reads it. Of course, `What` is code.",
            "```",
            "told, too",
            "```",
        ];
        assert!(lines("a.md", &text.join("\n")).is_empty());
    }
}
