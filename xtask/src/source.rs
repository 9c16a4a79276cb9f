//! Rust source for checks of the code's structure: the module tree of a crate, and the paths,
//! imports and string literals in each module.
//!
//! The tree is read from the sources, without the compiler, so that it covers every platform. Code
//! that is compiled only for tests is left out. Names are resolved through `use` declarations to
//! the module that defines them, so that a re-export never counts as the place of an item.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use proc_macro2::{Delimiter, Group, Ident, Literal, TokenStream, TokenTree};
use quote::ToTokens as _;
use serde_json::Value;
use syn::{Attribute, ImplItem, Item, Lit, Visibility};

use crate::run::{self, cargo};

/// Longest chain of re-exports that is followed; a longer one is a loop.
const MAX_REEXPORTS: usize = 32;

/// The modules of one library or program.
#[derive(Debug)]
pub struct Crate {
    pub name: String,
    /// The first one is the crate's root.
    pub modules: Vec<Module>,
    /// Macros that `#[macro_export]` puts into the root, and the modules that define them.
    exported_macros: BTreeMap<String, usize>,
}

/// A module, in a file of its own or inline.
#[derive(Debug, Default)]
pub struct Module {
    /// The path from the root, such as `["working_set", "query"]`; empty for the root itself.
    pub path: Vec<String>,
    pub file: PathBuf,
    parent: usize,
    children: BTreeMap<String, usize>,
    items: BTreeSet<String>,
    pub imports: Vec<Import>,
    /// Paths outside of `use` declarations, of one segment or more.
    pub paths: Vec<NamedPath>,
    pub literals: Vec<StringLiteral>,
}

/// One name that a `use` declaration brings into scope.
#[derive(Debug)]
pub struct Import {
    pub path: Vec<String>,
    /// The name in this module; `*` for a glob.
    pub name: String,
    pub is_public: bool,
    pub line: usize,
}

#[derive(Debug)]
pub struct NamedPath {
    pub segments: Vec<String>,
    pub line: usize,
}

/// A string, byte string or C string outside of attributes.
#[derive(Debug)]
pub struct StringLiteral {
    pub value: String,
    pub line: usize,
}

/// The result of resolving a path, as an index of [`Crate::modules`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolved {
    Module(usize),
    /// An item, by the module that defines it.
    Item(usize),
}

/// Reads every library and program of the workspace.
pub fn workspace() -> Result<Vec<Crate>> {
    let metadata = run::output(&mut cargo(["metadata", "--format-version=1", "--no-deps"]))?;
    let metadata: Value = serde_json::from_slice(&metadata).context("output of cargo metadata")?;
    let mut crates = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        for target in package["targets"].as_array().into_iter().flatten() {
            let kinds = target["kind"].as_array().into_iter().flatten();
            let is_code =
                |kind: &Value| kind != "test" && kind != "example" && kind != "custom-build";
            if kinds.into_iter().any(is_code) {
                let name = target["name"].as_str().context("a target without a name")?;
                let root = target["src_path"]
                    .as_str()
                    .context("a target without a source")?;
                crates.push(Crate::read(name, Path::new(root), run::root())?);
            }
        }
    }
    ensure!(!crates.is_empty(), "cargo metadata lists no crates");
    Ok(crates)
}

impl Crate {
    /// Reads a crate from its root file. Paths of files are reported relative to `base`.
    pub fn read(name: &str, root: &Path, base: &Path) -> Result<Self> {
        let mut result = Crate {
            name: name.into(),
            modules: vec![Module::default()],
            exported_macros: BTreeMap::new(),
        };
        let directory = root.parent().context("a root file without a directory")?;
        result.read_file(0, root, directory, base)?;
        Ok(result)
    }

    /// Returns the file of the crate's root.
    pub fn root(&self) -> &Path {
        &self.modules[0].file
    }

    /// Reads a file into a module; `directory` holds the files of its submodules.
    fn read_file(&mut self, id: usize, file: &Path, directory: &Path, base: &Path) -> Result<()> {
        let context = || file.display().to_string();
        let text = fs::read_to_string(file).with_context(context)?;
        let parsed = syn::parse_file(&text).with_context(context)?;
        self.modules[id].file = file.strip_prefix(base).unwrap_or(file).to_owned();
        self.read_items(id, parsed.items, file, directory, base)
    }

    fn read_items(
        &mut self,
        id: usize,
        items: Vec<Item>,
        file: &Path,
        directory: &Path,
        base: &Path,
    ) -> Result<()> {
        for mut item in items {
            if is_test(attributes(&item)) {
                continue;
            }
            match &mut item {
                Item::Mod(module) => {
                    let name = module.ident.to_string();
                    let child = self.add_module(id, &name);
                    let inside = directory.join(&name);
                    if let Some((_, items)) = module.content.take() {
                        self.modules[child].file = self.modules[id].file.clone();
                        self.read_items(child, items, file, &inside, base)?;
                        continue;
                    }
                    let (file, directory) = match explicit_path(&module.attrs) {
                        Some(path) => {
                            let file = file.with_file_name("").join(path);
                            let directory = file.with_file_name("");
                            (file, directory)
                        }
                        None if inside.join("mod.rs").exists() => (inside.join("mod.rs"), inside),
                        None => (directory.join(format!("{name}.rs")), inside),
                    };
                    self.read_file(child, &file, &directory, base)?;
                    continue;
                }
                Item::Use(import) => {
                    let is_public = !matches!(import.vis, Visibility::Inherited);
                    let tree: Vec<_> = import.tree.to_token_stream().into_iter().collect();
                    self.modules[id].add_imports(&tree, &[], is_public);
                    continue;
                }
                Item::Impl(block) => {
                    block.items.retain(|item| match item {
                        ImplItem::Fn(function) => !is_test(&function.attrs),
                        ImplItem::Const(constant) => !is_test(&constant.attrs),
                        _ => true,
                    });
                }
                Item::Macro(rules) => {
                    let exported = rules
                        .attrs
                        .iter()
                        .any(|a| a.path().is_ident("macro_export"));
                    if let (Some(name), true) = (&rules.ident, exported) {
                        self.exported_macros.insert(name.to_string(), id);
                    }
                }
                _ => {}
            }
            self.modules[id].items.extend(names(&item));
            self.modules[id].scan(item.to_token_stream(), false);
        }
        Ok(())
    }

    fn add_module(&mut self, parent: usize, name: &str) -> usize {
        let id = self.modules.len();
        let mut path = self.modules[parent].path.clone();
        path.push(name.into());
        self.modules.push(Module {
            path,
            parent,
            ..Module::default()
        });
        // Platforms can declare one name twice, each under its own `cfg`.
        let children = &mut self.modules[parent].children;
        children.entry(name.into()).or_insert(id);
        id
    }

    /// Resolves a path that a module names; `None` if it leads to another crate.
    pub fn resolve(&self, from: usize, path: &[String]) -> Option<Resolved> {
        self.resolve_within(from, path, MAX_REEXPORTS)
    }

    fn resolve_within(&self, from: usize, path: &[String], limit: usize) -> Option<Resolved> {
        let limit = limit.checked_sub(1)?;
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => self.walk(0, rest, limit),
            "self" => self.walk(from, rest, limit),
            "super" => self.walk(self.modules[from].parent, rest, limit),
            _ => self.lookup(from, path, limit),
        }
    }

    /// Follows a path down from a module. A name without a declaration, such as one that a macro
    /// generates, counts as an item of the module in which it is looked up.
    fn walk(&self, id: usize, path: &[String], limit: usize) -> Option<Resolved> {
        match path.split_first() {
            None => Some(Resolved::Module(id)),
            Some((first, rest)) if first == "self" => self.walk(id, rest, limit),
            Some((first, rest)) if first == "super" => {
                self.walk(self.modules[id].parent, rest, limit)
            }
            Some(_) => self.lookup(id, path, limit).or_else(|| {
                // A name that is imported from another crate is not an item of this module.
                let is_external = self.modules[id].import(&path[0]).next().is_some();
                (!is_external).then_some(Resolved::Item(id))
            }),
        }
    }

    /// Finds a name among the submodules, items and imports of a module.
    fn lookup(&self, id: usize, path: &[String], limit: usize) -> Option<Resolved> {
        let (module, name) = (&self.modules[id], path[0].as_str());
        if let Some(&child) = module.children.get(name) {
            return self.walk(child, &path[1..], limit);
        }
        if module.items.contains(name) {
            return Some(Resolved::Item(id));
        }
        for import in module.import(name).filter(|import| import.path[0] != name) {
            let full = [&import.path, &path[1..]].concat();
            if let Some(found) = self.resolve_within(id, &full, limit) {
                return Some(found);
            }
        }
        if let (0, Some(&definer)) = (id, self.exported_macros.get(name)) {
            return Some(Resolved::Item(definer));
        }
        module
            .import("*")
            .find_map(|glob| match self.resolve_within(id, &glob.path, limit)? {
                Resolved::Module(other) if other != id => {
                    self.lookup(other, path, limit.checked_sub(1)?)
                }
                _ => None,
            })
    }

    /// Finds the module with this path from the root.
    pub fn module(&self, path: &[&str]) -> Option<usize> {
        path.iter()
            .try_fold(0, |id, name| self.modules[id].children.get(*name).copied())
    }

    /// Expands a path to one from the root, through the imports of the module alone. Re-exports of
    /// other modules are not followed. Returns `None` if the path leads to another crate.
    pub fn path_from_root(&self, from: usize, path: &[String]) -> Option<Vec<String>> {
        self.expand(from, path, MAX_REEXPORTS)
    }

    fn expand(&self, from: usize, path: &[String], limit: usize) -> Option<Vec<String>> {
        let limit = limit.checked_sub(1)?;
        let (first, rest) = path.split_first()?;
        let module = &self.modules[from];
        let below = |start: &[String]| {
            let mut full = start.to_vec();
            for segment in rest {
                match segment.as_str() {
                    "super" => _ = full.pop(),
                    "self" => {}
                    name => full.push(name.into()),
                }
            }
            Some(full)
        };
        match first.as_str() {
            "crate" => below(&[]),
            "self" => below(&module.path),
            "super" => below(&self.modules[module.parent].path),
            name if module.children.contains_key(name) => {
                below(&[&module.path[..], &[name.into()]].concat())
            }
            name if module.items.contains(name) => None,
            name => module
                .import(name)
                .filter(|import| import.path[0] != name)
                .find_map(|import| self.expand(from, &[&import.path, rest].concat(), limit)),
        }
    }

    /// Returns true if `id` is `ancestor` or lies below it.
    pub fn is_within(&self, id: usize, ancestor: usize) -> bool {
        self.modules[id]
            .path
            .starts_with(&self.modules[ancestor].path)
    }
}

impl Module {
    fn import(&self, name: &str) -> impl Iterator<Item = &Import> {
        let name = name.to_owned();
        self.imports
            .iter()
            .filter(move |import| import.name == name)
    }

    /// Returns true if the module's code, apart from its imports, contains the identifier.
    pub fn uses(&self, name: &str) -> bool {
        let mut segments = self.paths.iter().flat_map(|path| &path.segments);
        segments.any(|segment| segment == name)
    }

    /// Collects the paths, literals and inner imports of code, also inside macro calls.
    fn scan(&mut self, tokens: TokenStream, in_attribute: bool) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Punct(punct) if punct.as_char() == '#' => {
                    at += 1;
                    if is_punct(tokens.get(at), '!') {
                        at += 1;
                    }
                    if let Some(TokenTree::Group(group)) = tokens.get(at)
                        && group.delimiter() == Delimiter::Bracket
                    {
                        self.scan_attribute(group);
                        at += 1;
                    }
                }
                // `use<'a>` is a bound, not a declaration.
                TokenTree::Ident(ident) if ident == "use" && !is_punct(tokens.get(at + 1), '<') => {
                    let length = tokens[at..]
                        .iter()
                        .take_while(|t| !is_punct(Some(t), ';'))
                        .count();
                    self.add_imports(&tokens[at + 1..at + length], &[], false);
                    at += length;
                }
                TokenTree::Ident(ident) => {
                    let line = ident.span().start().line;
                    let mut segments = vec![plain(ident)];
                    at += 1;
                    while let Some(next) = after_colons(&tokens, at) {
                        segments.push(plain(next));
                        at += 3;
                    }
                    self.paths.push(NamedPath { segments, line });
                }
                TokenTree::Group(group) => {
                    self.scan(group.stream(), in_attribute);
                    at += 1;
                }
                TokenTree::Literal(literal) => {
                    if let (Some(value), false) = (string(literal), in_attribute) {
                        let line = literal.span().start().line;
                        self.literals.push(StringLiteral { value, line });
                    }
                    at += 1;
                }
                TokenTree::Punct(_) => at += 1,
            }
        }
    }

    /// Collects the paths of an attribute, unless it is documentation.
    fn scan_attribute(&mut self, attribute: &Group) {
        let first = attribute.stream().into_iter().next();
        let is_doc = matches!(&first, Some(TokenTree::Ident(name)) if name == "doc");
        if !is_doc {
            self.scan(attribute.stream(), true);
        }
    }

    /// Adds the names of a tree such as `a::{b, c::{self, d as e}}`.
    fn add_imports(&mut self, tree: &[TokenTree], prefix: &[String], is_public: bool) {
        for branch in tree.split(|token| is_punct(Some(token), ',')) {
            let mut path = prefix.to_vec();
            let mut name = None;
            let mut line = 0;
            let mut has_group = false;
            let mut tokens = branch.iter();
            while let Some(token) = tokens.next() {
                match token {
                    TokenTree::Ident(keyword) if keyword == "as" => {
                        name = tokens.next().map(ToString::to_string);
                    }
                    TokenTree::Ident(ident) => {
                        line = ident.span().start().line;
                        // `a::{self}` names `a`.
                        if ident != "self" || path.is_empty() {
                            path.push(plain(ident));
                        }
                    }
                    TokenTree::Group(group) => {
                        let inner: Vec<_> = group.stream().into_iter().collect();
                        self.add_imports(&inner, &path, is_public);
                        has_group = true;
                    }
                    TokenTree::Punct(punct) if punct.as_char() == '*' => {
                        line = punct.span().start().line;
                        name = Some("*".into());
                    }
                    _ => {}
                }
            }
            if !has_group && let Some(last) = path.last() {
                let name = name.unwrap_or_else(|| last.clone());
                self.imports.push(Import {
                    path,
                    name,
                    is_public,
                    line,
                });
            }
        }
    }
}

/// Returns an identifier's name, without the `r#` of a raw one.
fn plain(ident: &Ident) -> String {
    let name = ident.to_string();
    name.strip_prefix("r#").map(str::to_owned).unwrap_or(name)
}

fn is_punct(token: Option<&TokenTree>, character: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == character)
}

/// Returns the identifier that follows a `::` at this place.
fn after_colons(tokens: &[TokenTree], at: usize) -> Option<&Ident> {
    let has_colons = is_punct(tokens.get(at), ':') && is_punct(tokens.get(at + 1), ':');
    match tokens.get(at + 2) {
        Some(TokenTree::Ident(ident)) if has_colons => Some(ident),
        _ => None,
    }
}

fn string(literal: &Literal) -> Option<String> {
    match Lit::new(literal.clone()) {
        Lit::Str(text) => Some(text.value()),
        Lit::ByteStr(bytes) => Some(String::from_utf8_lossy(&bytes.value()).into_owned()),
        Lit::CStr(text) => Some(text.value().to_string_lossy().into_owned()),
        _ => None,
    }
}

/// Returns true if a `cfg` attribute names `test` other than inside `not`.
fn is_test(attributes: &[Attribute]) -> bool {
    let mut conditions = attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"));
    conditions.any(|attribute| names_test(attribute.to_token_stream()))
}

fn names_test(tokens: TokenStream) -> bool {
    let mut is_negated = false;
    for token in tokens {
        match token {
            TokenTree::Ident(ident) if ident == "test" => return true,
            TokenTree::Group(group) if !is_negated && names_test(group.stream()) => return true,
            TokenTree::Ident(ident) => is_negated = ident == "not",
            _ => is_negated = false,
        }
    }
    false
}

/// Returns the file that `#[path = "…"]` names, also inside `cfg_attr`.
fn explicit_path(attributes: &[Attribute]) -> Option<String> {
    fn find(tokens: TokenStream) -> Option<String> {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        tokens
            .iter()
            .enumerate()
            .find_map(|(at, token)| match token {
                TokenTree::Ident(ident) if ident == "path" && is_punct(tokens.get(at + 1), '=') => {
                    match tokens.get(at + 2) {
                        Some(TokenTree::Literal(literal)) => string(literal),
                        _ => None,
                    }
                }
                TokenTree::Group(group) => find(group.stream()),
                _ => None,
            })
    }
    attributes
        .iter()
        .find_map(|attribute| find(attribute.to_token_stream()))
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Returns the names that an item defines. In a macro call, such as `bitflags!`, these are the
/// names after keywords that begin an item.
fn names(item: &Item) -> Vec<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        Item::Macro(item) => match &item.ident {
            Some(ident) => ident,
            None => return generated_names(item.mac.tokens.clone()),
        },
        Item::ForeignMod(item) => return generated_names(item.to_token_stream()),
        _ => return Vec::new(),
    };
    vec![plain(name)]
}

fn generated_names(tokens: TokenStream) -> Vec<String> {
    const KEYWORDS: &[&str] = &[
        "const", "enum", "fn", "static", "struct", "trait", "type", "union",
    ];
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let pairs = tokens.windows(2).filter_map(|pair| match pair {
        [TokenTree::Ident(keyword), TokenTree::Ident(name)] => KEYWORDS
            .iter()
            .any(|known| keyword == known)
            .then(|| plain(name)),
        _ => None,
    });
    let mut names: Vec<_> = pairs.collect();
    for token in &tokens {
        if let TokenTree::Group(group) = token {
            names.extend(generated_names(group.stream()));
        }
    }
    names
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Writes files to a temporary directory and reads the crate whose root is `lib.rs`.
    pub fn crate_of(files: &[(&str, &str)]) -> Crate {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let file = directory.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        Crate::read("test", &directory.path().join("lib.rs"), directory.path()).unwrap()
    }

    fn path(text: &str) -> Vec<String> {
        text.split("::").map(str::to_owned).collect()
    }

    /// Resolves a path from a module to the file of its definition.
    fn file_of(code: &Crate, from: &[&str], text: &str) -> Option<String> {
        let from = code.module(from).unwrap();
        match code.resolve(from, &path(text))? {
            Resolved::Item(id) | Resolved::Module(id) => {
                Some(code.modules[id].file.display().to_string())
            }
        }
    }

    #[test]
    fn reexport_resolves_to_definition() {
        let code = crate_of(&[
            ("lib.rs", "mod a; mod b; pub use a::Thing as Renamed;"),
            (
                "a/mod.rs",
                "mod inner; pub use inner::*; pub(crate) use inner::Thing;",
            ),
            ("a/inner.rs", "pub struct Thing; pub struct Other;"),
            ("b.rs", "use crate::a; use super::Renamed;"),
        ]);
        let inner = Some("a/inner.rs".to_owned());
        for name in [
            "crate::Renamed",
            "a::Thing",
            "Renamed::new",
            "super::a::Other",
        ] {
            assert_eq!(file_of(&code, &["b"], name), inner, "{name}");
        }
        assert_eq!(
            file_of(&code, &["b"], "a::generated"),
            Some("a/mod.rs".into())
        );
        assert_eq!(file_of(&code, &["b"], "std::fs::File"), None);
    }

    #[test]
    fn test_code_is_left_out() {
        let code = crate_of(&[(
            "lib.rs",
            "mod a { #[cfg(test)] mod tests { const X: &str = \"x\"; } }
             #[cfg(all(test, unix))] use missing::Thing;
             #[cfg(not(test))] const Y: &str = \"y\";
             impl T { #[cfg(test)] fn z() { \"z\" } }",
        )]);
        let literals: Vec<_> = code
            .modules
            .iter()
            .flat_map(|module| &module.literals)
            .collect();
        assert!(matches!(literals[..], [one] if one.value == "y"));
        assert!(code.modules.iter().all(|module| module.imports.is_empty()));
    }

    #[test]
    fn use_tree_yields_every_name() {
        let code = crate_of(&[(
            "lib.rs",
            "use a::{self, b::{C, D as E}, *};\nfn f() {\n    use g::H;\n    i::j::<k::L>(b\"m\");\n}",
        )]);
        let root = &code.modules[0];
        let imports = root
            .imports
            .iter()
            .map(|i| (i.path.join("::"), i.name.as_str(), i.line));
        let expected = [
            ("a", "a", 1),
            ("a::b::C", "C", 1),
            ("a::b::D", "E", 1),
            ("a", "*", 1),
            ("g::H", "H", 3),
        ];
        let expected = expected.map(|(path, name, line)| (path.to_owned(), name, line));
        assert!(imports.eq(expected));
        for name in [path("i::j"), path("k::L")] {
            assert!(
                root.paths
                    .iter()
                    .any(|path| path.segments == name && path.line == 4)
            );
        }
        assert_eq!(root.literals[0].value, "m");
    }

    #[test]
    fn modules_are_found_by_path_attribute() {
        let code = crate_of(&[
            (
                "lib.rs",
                "#[cfg_attr(any(), path = \"sys/linux.rs\")] mod sys;",
            ),
            ("sys/linux.rs", "mod below;"),
            ("sys/below.rs", "pub fn f() {}"),
        ]);
        let below = file_of(&code, &[], "self::sys::below::f");
        assert_eq!(below, Some("sys/below.rs".into()));
    }
}
