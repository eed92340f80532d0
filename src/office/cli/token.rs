//! `token add|list|revoke`.

use clap::Subcommand;
use serde::Serialize;

use super::{Context, Failure, print_json};
use crate::office::store::{Scope, SiteId, Token};
use crate::office::token::{new_token, token_hash};
use crate::sys::{self, Exit};

/// Longest name of a token, in bytes.
const NAME_BYTES_MAX: usize = 100;

/// The verbs.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Make a token; it is shown once
    Add {
        /// Its name: what it is for
        name: String,
        /// What it allows: read
        #[arg(long = "scope", required = true)]
        scopes: Vec<Scope>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// All tokens, without their secrets
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Refuse a token from now on
    Revoke {
        /// Which
        name: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Serialize)]
struct Added {
    token: String,
    name: String,
    scopes: Vec<&'static str>,
}

#[derive(Serialize)]
struct Shown {
    name: String,
    scopes: Vec<&'static str>,
    added_at: String,
    revoked_at: Option<String>,
}

#[derive(Serialize)]
struct Revoked {
    name: String,
    revoked: bool,
}

pub(super) fn run(verb: Verb, context: &Context) -> Result<Exit, Failure> {
    match verb {
        Verb::Add { name, scopes, json } => add(name, scopes, json, context),
        Verb::List { json } => list(json, context),
        Verb::Revoke { name, json } => revoke(name, json, context),
    }
}

fn names(scopes: &[Scope]) -> Vec<&'static str> {
    scopes.iter().map(|scope| scope.name()).collect()
}

fn add(name: String, mut scopes: Vec<Scope>, json: bool, context: &Context) -> Result<Exit, Failure> {
    if name.trim().is_empty() || name.len() > NAME_BYTES_MAX {
        return Err(Failure::new(Exit::Usage, format_args!("a token's name has 1 to {NAME_BYTES_MAX} bytes"), ""));
    }
    scopes.sort();
    scopes.dedup();
    let token = new_token()?;
    let shown = Added { name: name.clone(), scopes: names(&scopes), token: token.clone() };
    let added = context.with_store(async |store, _| {
        let kept = Token { site: SiteId::FIRST, name, scopes, added_at: context.now(), revoked_at: None };
        Ok(store.token_add(kept, token_hash(&token)).await?)
    })?;
    if !added {
        let text = format!("a token named {} is in force", shown.name);
        return Err(Failure::new(Exit::Data, text, "choose another name, or revoke that one first"));
    }
    if json {
        print_json(&shown)?;
    } else {
        sys::out(&shown.token);
    }
    Ok(Exit::Ok)
}

fn list(json: bool, context: &Context) -> Result<Exit, Failure> {
    let shown = context.with_store(async |store, settings| {
        let tokens = store.tokens(SiteId::FIRST).await?.into_iter();
        let time = |at| settings.utc_offset.rfc3339(at);
        let show = |token: Token| Shown {
            scopes: names(&token.scopes),
            added_at: time(token.added_at),
            revoked_at: token.revoked_at.map(time),
            name: token.name,
        };
        Ok(tokens.map(show).collect::<Vec<_>>())
    })?;
    if json {
        return print_json(&shown).map(|()| Exit::Ok);
    }
    for token in shown {
        let revoked = token.revoked_at.map(|at| format!("  revoked {at}")).unwrap_or_default();
        sys::out(format_args!("{}  {}  since {}{revoked}", token.name, token.scopes.join(","), token.added_at));
    }
    Ok(Exit::Ok)
}

fn revoke(name: String, json: bool, context: &Context) -> Result<Exit, Failure> {
    let revoked = context.with_store(async |store, _| Ok(store.token_revoke(SiteId::FIRST, name.clone(), context.now()).await?))?;
    if !revoked {
        return Err(Failure::new(Exit::Data, format_args!("no token named {name} is in force"), "see punch-office token list"));
    }
    if json {
        print_json(&Revoked { name, revoked })?;
    } else {
        sys::out(format_args!("{name}: revoked"));
    }
    Ok(Exit::Ok)
}
