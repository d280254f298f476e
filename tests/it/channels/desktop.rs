//! Notifications of a real desktop: dunst on a virtual display and a bus of its own, watched by dbus-monitor.

use std::process::{Command, Stdio};

use anyhow::{Result, ensure};
use pretty_assertions::assert_eq;
use quarterdeck::connectors::outbound::config::Way;

use super::{HOSTILE, KEY, outlet, send, update};
use crate::lab::{find_program, required};

const CHILD: &str = "QUARTERDECK_TEST_NOTIFIER";

/// Starts the desktop, lets the child notify, and prints what went over the bus.
const SCRIPT: &str = r#"
set -eu
exec 3>"$DIR/display"
Xvfb -displayfd 3 -screen 0 640x480x24 -nolisten tcp >/dev/null 2>&1 &
xvfb=$!
for _ in $(seq 300); do [ -s "$DIR/display" ] && break; sleep 0.1; done
DISPLAY=:$(cat "$DIR/display")
export DISPLAY
dunst >/dev/null 2>&1 &
dunst=$!
trap 'kill $dunst $xvfb 2>/dev/null || true' EXIT
has() { dbus-send --session --dest=org.freedesktop.DBus --print-reply / org.freedesktop.DBus.NameHasOwner string:org.freedesktop.Notifications | grep -q true; }
for _ in $(seq 300); do has && break; sleep 0.1; done
dbus-monitor --session "interface='org.freedesktop.Notifications',member='Notify'" >"$DIR/bus" 2>/dev/null &
monitor=$!
for _ in $(seq 100); do grep -q NameAcquired "$DIR/bus" && break; sleep 0.1; done
"$@"
for _ in $(seq 100); do grep -q urgency "$DIR/bus" && break; sleep 0.1; done
kill $monitor
cat "$DIR/bus"
"#;

/// Not a test: what the child does.
#[tokio::test]
async fn notifier_child() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let outcome = outlet(Way::Desktop, &[]).perform(&send(&update(HOSTILE)), KEY).await;
    println!("outcome {outcome:?}");
}

#[test]
fn a_desktop_shows_the_message_as_text() -> Result<()> {
    let programs = ["Xvfb", "dunst", "dbus-run-session", "dbus-monitor", "dbus-send"];
    let missing: Vec<_> = programs.into_iter().filter(|p| find_program(p).is_none()).collect();
    if !required() {
        println!("skipped: needs Debian's xvfb, dunst and dbus; run tests/run");
        return Ok(());
    }
    ensure!(missing.is_empty(), "{missing:?} cannot be found; tests/run installs them");
    let dir = tempfile::Builder::new().prefix("quarterdeck-desktop-").tempdir()?;
    let output = Command::new("dbus-run-session")
        .args(["--", "bash", "-c", SCRIPT, "desktop"])
        .arg(std::env::current_exe()?)
        .args(["--exact", "channels::desktop::notifier_child", "--nocapture", "--test-threads=1"])
        .env("DIR", dir.path())
        .env("HOME", dir.path())
        .env("XDG_RUNTIME_DIR", dir.path())
        .env(CHILD, "yes")
        .stdin(Stdio::null())
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("outcome Received { receipt: \"notification "), "{said}");
    assert_eq!(said.matches("member=Notify").count(), 1, "{said}");
    for part in [
        "string \"Quarterdeck\"",
        "SEV-1 Zahlung – checkout",
        "支払い 💳",
        "&lt;b&gt;bold&lt;/b&gt; &amp;amp; {{7*7}}",
        "byte 2",
    ] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    Ok(())
}

#[tokio::test]
async fn without_a_desktop_that_is_said() {
    // The bus of whoever runs the tests must not be used: this is a child of its own.
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "channels::desktop::notifier_child", "--nocapture", "--test-threads=1"])
        .env(CHILD, "yes")
        .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("outcome Refused") && said.contains("use another channel"), "{said}");
}
