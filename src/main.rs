//! Parse arguments, run, print the error chain, set the exit code.

use std::process::ExitCode;

/// Answers of many megabytes are read on one thread and live on in the model of another; the system's own
/// allocator asks the kernel for every page of that.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    quarterdeck::cli::main()
}
