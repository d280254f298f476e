//! Exit codes and their meaning, the same for every subcommand.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// As asked.
    Fine,
    /// It answered, but part of the answer is missing or something needs attention: 1.
    Attention,
    /// It could not be done: 2.
    Failed,
    /// Ended by a signal, as shells count them.
    Code(i32),
}

impl Exit {
    /// For the operating system.
    pub fn code(self) -> ExitCode {
        match self {
            Self::Fine => ExitCode::SUCCESS,
            Self::Attention => ExitCode::from(1),
            Self::Failed => ExitCode::from(2),
            Self::Code(code) => ExitCode::from(u8::try_from(code).unwrap_or(255)),
        }
    }
}
