//! The commands, one file each.

mod agent;
mod call;
mod changes;
mod db;
mod demo;
mod ignore;
mod jobs;
mod key;
mod manual;
mod policy;
mod scan;
mod serve;
mod setup;
mod user;
mod vex;
mod webhook;

use anyhow::Context;

use crate::cli::Command;
use crate::exit::Exit;

/// Runs a command.
pub(crate) fn run(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Scan(args) if !scan::is_remote(&args) => block_on_one(scan::run(args)),
        Command::Scan(args) => block_on(scan::run(args)),
        Command::Serve(args) => block_on(serve::run(args)),
        Command::Agent(args) => block_on(agent::run(args)),
        Command::Demo(args) => block_on(demo::run(args)),
        Command::Db(args) => block_on(db::run(args.command)),
        Command::Vex(args) => block_on(vex::run(args.command)),
        Command::Ignore(args) => block_on(ignore::run(args.command)),
        Command::User(args) => block_on(user::run(args.command)),
        Command::Key(args) => block_on(key::run(args.command)),
        Command::Policy(args) => block_on(policy::run(args.command)),
        Command::Call(args) => block_on(call::run(args)),
        Command::Changes(args) => block_on(changes::run(args)),
        Command::Webhook(args) => block_on(webhook::run(args.command)),
        Command::Jobs(args) => block_on(jobs::run(args)),
        Command::Completions { shell } => manual::completions(shell),
        Command::Man { directory } => manual::pages(&directory),
    }
}

fn block_on(work: impl Future<Output = anyhow::Result<Exit>>) -> anyhow::Result<Exit> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?
        .block_on(work)
}

/// Runs work that waits for little: what computes has threads of its own.
fn block_on_one(work: impl Future<Output = anyhow::Result<Exit>>) -> anyhow::Result<Exit> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?
        .block_on(work)
}
