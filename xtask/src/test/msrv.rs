//! Checks that no dependency of a published crate needs a newer compiler than the crate promises.

use std::collections::{HashMap, HashSet};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::outcome::Outcome;
use crate::run::{self, cargo};

/// The published packages, which promise a minimum Rust version.
pub const PUBLISHED: &[&str] = &["psapi", "libpsapi", "psapi-cli"];

/// Compares the minimum Rust versions of all dependencies, except for tests and tools.
/// Clippy's `incompatible_msrv` checks the crates' own code.
pub fn check() -> Result<Outcome> {
    let text = run::output(&mut cargo([
        "metadata",
        "--format-version=1",
        "--all-features",
        "--locked",
    ]))?;
    let metadata: Value = serde_json::from_slice(&text).context("output of cargo metadata")?;
    let packages: HashMap<_, _> = list(&metadata["packages"])
        .map(|package| (&package["id"], package))
        .collect();
    let published = PUBLISHED.iter().map(|name| {
        let named = |package: &&&Value| package["name"] == *name && package["source"].is_null();
        let found = packages.values().find(named);
        found
            .copied()
            .with_context(|| format!("package {name} not found"))
    });
    let published: Vec<_> = published.collect::<Result<_>>()?;
    let promise = published[0]["rust_version"]
        .as_str()
        .context("the manifest has no rust-version")?;

    let mut newer = Vec::new();
    let dependencies = closure(&metadata, published.iter().map(|package| &package["id"]));
    for id in &dependencies {
        let package = packages
            .get(id)
            .context("a dependency is not in the list of packages")?;
        let Some(needed) = package["rust_version"].as_str() else {
            continue;
        };
        if version(needed)? > version(promise)? {
            newer.push(format!(
                "{} {} needs {needed}",
                package["name"], package["version"]
            ));
        }
    }
    println!(
        "{} packages must compile with Rust {promise}",
        dependencies.len()
    );
    newer.sort();
    Ok(if newer.is_empty() {
        Outcome::Passed
    } else {
        Outcome::Failed(newer.join(", "))
    })
}

/// Returns the packages and their dependencies, without dependencies of tests.
fn closure<'a>(metadata: &'a Value, start: impl Iterator<Item = &'a Value>) -> HashSet<&'a Value> {
    let nodes: HashMap<_, _> = list(&metadata["resolve"]["nodes"])
        .map(|node| (&node["id"], node))
        .collect();
    let mut seen = HashSet::new();
    let mut open: Vec<_> = start.collect();
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        let Some(node) = nodes.get(id) else { continue };
        for dependency in list(&node["deps"]) {
            if list(&dependency["dep_kinds"]).any(|kind| kind["kind"] != "dev") {
                open.push(&dependency["pkg"]);
            }
        }
    }
    seen
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Parses a version into numbers that compare as versions do.
fn version(text: &str) -> Result<[u64; 3]> {
    let mut numbers = [0; 3];
    let parts: Vec<_> = text.split('.').collect();
    if parts.len() > numbers.len() {
        bail!("invalid rust-version {text}");
    }
    for (number, part) in numbers.iter_mut().zip(parts) {
        *number = part
            .parse()
            .with_context(|| format!("invalid rust-version {text}"))?;
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        assert!(version("1.9").unwrap() < version("1.88.0").unwrap());
        assert_eq!(version("1.88").unwrap(), version("1.88.0").unwrap());
        assert!(version("1.x").is_err() && version("1.2.3.4").is_err());
    }

    #[test]
    fn test_dependencies_do_not_count() {
        let metadata = serde_json::json!({"resolve": {"nodes": [
            {"id": "a", "deps": [
                {"pkg": "b", "dep_kinds": [{"kind": null}]},
                {"pkg": "c", "dep_kinds": [{"kind": "dev"}]},
                {"pkg": "d", "dep_kinds": [{"kind": "dev"}, {"kind": "build"}]},
            ]},
            {"id": "b", "deps": [{"pkg": "a", "dep_kinds": [{"kind": null}]}]},
            {"id": "c", "deps": []},
            {"id": "d", "deps": []},
        ]}});
        let start = Value::from("a");
        let mut closure: Vec<_> = closure(&metadata, [&start].into_iter())
            .into_iter()
            .collect();
        closure.sort_by_key(|id| id.to_string());
        assert_eq!(closure, ["a", "b", "d"]);
    }
}
