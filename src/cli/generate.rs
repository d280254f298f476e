//! Completions and the manual page, from the same definitions as the command line itself.

use clap::CommandFactory as _;

use super::{Cli, Exit, output};

pub(super) fn completions(shell: clap_complete::Shell) -> anyhow::Result<Exit> {
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "quarterdeck", &mut out);
    output::text(&out);
    Ok(Exit::Fine)
}

pub(super) fn man() -> anyhow::Result<Exit> {
    let mut out = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut out)?;
    output::text(&out);
    Ok(Exit::Fine)
}
