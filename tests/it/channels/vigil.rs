//! A status page on a real Vigil: what people see there.

use anyhow::{Context as _, Result, ensure};
use pretty_assertions::assert_eq;
use quarterdeck::connectors::outbound::config::{Endpoint, Way};
use quarterdeck::domain::Span;
use tempfile::TempDir;

use super::{HOSTILE, KEY, outlet, receipt, send, update, with_token, word};
use crate::lab::{
    PATIENCE, Server, eventually, find_program, free_ports, get, installed, second_ring,
};

struct Vigil {
    server: Server,
    base: String,
    _dir: TempDir,
}

impl Vigil {
    fn start_or_skip() -> Result<Option<Self>> {
        if !second_ring("the crate vigil-server") {
            return Ok(None);
        }
        let made = installed()?.join("vigil");
        let program = made.join("bin/vigil");
        ensure!(program.is_file(), "Vigil is missing; tests/run --full builds it");
        let dir = tempfile::Builder::new().prefix("quarterdeck-vigil-").tempdir()?;
        let port = free_ports(1)?[0];
        let base = format!("http://127.0.0.1:{port}");
        let config = format!(
            "[server]\nlog_level = \"error\"\ninet = \"127.0.0.1:{port}\"\n\
             manager_token = \"manager-hunter2\"\nreporter_token = \"reporter\"\n\
             [assets]\npath = {:?}\n\
             [branding]\npage_title = \"Shop\"\npage_url = \"{base}\"\ncompany_name = \"Shop\"\n\
             icon_color = \"#000000\"\nicon_url = \"{base}/i.png\"\nlogo_color = \"#000000\"\n\
             logo_url = \"{base}/l.png\"\nwebsite_url = \"{base}\"\nsupport_url = \"mailto:a@shop.example\"\n\
             custom_html = \"\"\n[metrics]\n[notify]\n[probe]\n\
             [[probe.service]]\nid = \"checkout\"\nlabel = \"Checkout\"\n\
             [[probe.service.node]]\nid = \"worker\"\nlabel = \"Worker\"\nmode = \"push\"\n",
            made.join("assets"),
        );
        let path = dir.path().join("vigil.cfg");
        std::fs::write(&path, config)?;
        // It reads variables into its settings, and stumbles over those that have braces in them.
        let args = ["-i".to_owned(), program.display().to_string(), "-c".to_owned()];
        let args = args.into_iter().chain([path.display().to_string()]).collect();
        let env = find_program("env").context("env")?;
        let server = Server::start("vigil", env, args, dir.path())?;
        eventually("Vigil answers", PATIENCE, || {
            let answer = get(&format!("{base}/status/text")).context(server.log_tail())?;
            ensure!(answer.status == 200, "{answer:?}");
            Ok(())
        })?;
        Ok(Some(Self { server, base, _dir: dir }))
    }

    /// The page as anybody sees it.
    fn page(&self) -> Result<String> {
        Ok(get(&format!("{}/", self.base))?.body.replace("&#x2F;", "/"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_the_newest_word_of_each_incident() -> Result<()> {
    let Some(mut vigil) = Vigil::start_or_skip()? else { return Ok(()) };
    let way = |token: &str| {
        Way::Vigil(Endpoint { timeout: Span::from_secs(10), ..with_token(&vigil.base, token) })
    };
    let channel = outlet(way("manager-hunter2"), &[]);
    let (first, second) = (send(&update(HOSTILE)), send(&update("Payments work again.")));
    let later = KEY.replace('5', "6");
    assert_eq!(word(&channel.look_back(&first, KEY).await), "later");
    let taken = channel.perform(&first, KEY).await;
    assert_eq!(channel.look_back(&first, KEY).await, taken);
    assert_eq!(channel.perform(&first, KEY).await, taken, "not published again");
    let page = vigil.page()?;
    assert_eq!(page.matches("(INC-7/5eed01234567)").count(), 1, "{page}");
    assert!(page.contains("last line") && !page.contains("<b>bold</b>"), "text stays text: {page}");

    let another = {
        let mut message = update("Search is slow.");
        message.incident = Some(quarterdeck::domain::IncidentId::new("INC-70"));
        send(&message)
    };
    assert_eq!(word(&channel.perform(&another, KEY).await), "received");
    let newer = channel.perform(&second, &later).await;
    assert_ne!(receipt(&newer), receipt(&taken));
    assert_eq!(word(&channel.look_back(&first, KEY).await), "later", "the newer one stands there");
    let page = vigil.page()?;
    for (text, count) in
        [("Payments work again.", 1), ("(INC-7/", 1), ("last line", 0), ("(INC-70/", 1)]
    {
        assert_eq!(page.matches(text).count(), count, "{text}: {page}");
    }

    let nobody = outlet(way("wrong"), &[]).perform(&first, KEY).await;
    assert_eq!(word(&nobody), "refused", "{nobody:?}");
    assert_eq!(word(&outlet(way("wrong"), &[]).look_back(&first, KEY).await), "unknown");
    vigil.server.kill()?;
    assert_eq!(word(&channel.perform(&first, KEY).await), "later");
    Ok(())
}
