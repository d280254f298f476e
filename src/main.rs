//! Parse arguments, run, print the error chain, set the exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    quarterdeck::cli::main()
}
