//! PagerDuty's on-calls: who is on call by which policy and schedule, page by page, and how people are reached.

use serde_json::{Value, json};

use super::{Answer, Contract, Request, Vendor};

/// The token it takes.
pub(crate) const TOKEN: &str = "pd-0nca11-secret";

/// Its side.
#[derive(Default)]
pub(crate) struct OnCallsHost {
    pub(crate) oncalls: Vec<Value>,
    /// By user: a number with its country.
    pub(crate) phones: Vec<(&'static str, u32, &'static str)>,
    /// Entries it gives at once, whatever it is asked for.
    pub(crate) most: usize,
}

/// An on-call: user's id and name, policy, schedule, level, begin and end.
pub(crate) fn oncall(
    (id, name): (&str, &str),
    policy: &str,
    schedule: Option<&str>,
    level: u32,
    (start, end): (Option<&str>, Option<&str>),
) -> Value {
    let mail = format!("{}@example.org", name.split(' ').next().unwrap().to_lowercase());
    json!({
        "user": { "id": id, "type": "user", "name": name, "summary": name, "email": mail },
        "escalation_policy": { "id": policy, "type": "escalation_policy_reference" },
        "schedule": schedule.map(|id| json!({ "id": id, "type": "schedule_reference" })),
        "escalation_level": level, "start": start, "end": end,
    })
}

impl Vendor for OnCallsHost {
    fn contract(&self) -> Option<Contract> {
        Some(Contract::new(include_str!("../../../fixtures/openapi/pagerduty.yaml")))
    }

    fn answer(&mut self, request: &Request) -> Answer {
        if request.header("authorization") != Some(&format!("Token token={TOKEN}")) {
            let said = json!({ "error": { "message": "Unauthorized", "code": 2006 } });
            return Answer::new(401, said.to_string());
        }
        let path = request.path_only().trim_start_matches('/').to_owned();
        match path.split('/').collect::<Vec<_>>().as_slice() {
            ["oncalls"] => {
                let all = |name: &str| -> Vec<String> {
                    let query = request.query().into_iter();
                    query.filter(|(n, _)| n == name).map(|(_, value)| value).collect()
                };
                let (policies, schedules) = (all("escalation_policy_ids[]"), all("schedule_ids[]"));
                let has = |ids: &[String], one: &Value| {
                    ids.is_empty() || ids.iter().any(|id| one["id"] == id.as_str())
                };
                let found: Vec<&Value> = self
                    .oncalls
                    .iter()
                    .filter(|one| has(&policies, &one["escalation_policy"]))
                    .filter(|one| has(&schedules, &one["schedule"]))
                    .collect();
                let offset: usize = request.asks("offset").parse().unwrap();
                let limit: usize = request.asks("limit").parse().unwrap();
                let page: Vec<&&Value> =
                    found.iter().skip(offset).take(limit.min(self.most)).collect();
                let more = offset + page.len() < found.len();
                let said =
                    json!({ "oncalls": page, "limit": limit, "offset": offset, "more": more });
                Answer::new(200, said.to_string())
            }
            ["users", id, "contact_methods"] => {
                let phones = self.phones.iter().filter(|(of, ..)| of == id);
                let mut methods = vec![json!({
                    "id": "PMAIL", "type": "email_contact_method", "address": "x@example.org",
                })];
                methods.extend(phones.map(|(_, code, number)| {
                    json!({
                        "id": "PTEL", "type": "phone_contact_method", "address": number,
                        "country_code": code, "blacklisted": false,
                    })
                }));
                Answer::new(200, json!({ "contact_methods": methods }).to_string())
            }
            other => panic!("described, and not played: {other:?}"),
        }
    }
}
