//! A vendor's public description of its API (OpenAPI 3), and whether a request or an answer is as it says.

use std::collections::BTreeMap;

use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

use super::{Answer, Request};

/// Everything a vendor takes.
pub(crate) struct Contract {
    operations: Vec<Operation>,
}

struct Operation {
    method: String,
    /// Segments; `{name}` takes anything but nothing.
    path: Vec<String>,
    query: BTreeMap<String, Parameter>,
    headers: BTreeMap<String, Parameter>,
    /// By content type.
    body: Option<(String, Validator)>,
    answers: BTreeMap<u16, Validator>,
}

struct Parameter {
    required: bool,
    kind: String,
    rule: Validator,
}

impl Contract {
    /// A description in JSON or YAML.
    pub(crate) fn new(text: &str) -> Self {
        let whole: Value = serde_json::from_str(text)
            .unwrap_or_else(|_| serde_saphyr::from_str(text).expect("a description"));
        let mut operations = Vec::new();
        for (path, methods) in whole["paths"].as_object().expect("paths") {
            let methods = methods.as_object().unwrap().iter();
            for (method, one) in
                methods.filter(|(name, _)| "get post put patch delete".contains(*name))
            {
                operations.push(Operation::new(&whole, method, path, one));
            }
        }
        Self { operations }
    }

    /// What is wrong with a request.
    pub(crate) fn judge(&self, request: &Request) -> Result<(), String> {
        let operation = self.operation(request)?;
        operation
            .judge(request)
            .map_err(|why| format!("{} {}: {why}", request.method, request.path))
    }

    /// What is wrong with an answer of the double itself.
    pub(crate) fn judge_answer(&self, request: &Request, answer: &Answer) -> Result<(), String> {
        let operation = self.operation(request)?;
        let Some(rule) = operation.answers.get(&answer.status) else { return Ok(()) };
        let body = serde_json::from_str(&answer.body).unwrap_or(Value::Null);
        against(rule, &body)
            .map_err(|why| format!("the double's answer to {}: {why}", request.path))
    }

    fn operation(&self, request: &Request) -> Result<&Operation, String> {
        let path = request.path_only();
        let here: Vec<&Operation> = self.operations.iter().filter(|one| one.is_at(path)).collect();
        if here.is_empty() {
            return Err(format!("there is no {path}"));
        }
        let method = |one: &&&Operation| one.method == request.method;
        let found = here.iter().find(method).copied();
        found.ok_or_else(|| format!("{path} does not take {}", request.method))
    }
}

impl Operation {
    fn new(whole: &Value, method: &str, path: &str, one: &Value) -> Self {
        // What is referred to stands beside the schema.
        let rule = |schema: &Value| {
            let schema = json!({ "components": whole["components"], "allOf": [schema] });
            let options = jsonschema::options().with_draft(Draft::Draft4);
            options.build(&schema).unwrap_or_else(|why| panic!("{method} {path}: {why}"))
        };
        let parameters = |place: &str| -> BTreeMap<String, Parameter> {
            let all = one["parameters"].as_array().into_iter().flatten();
            let here = all.filter(|p| p["in"] == place).map(|p| {
                let kind = p["schema"]["type"].as_str().unwrap_or("string").to_owned();
                let required = p["required"] == true;
                let name = p["name"].as_str().unwrap();
                let name = if place == "header" { name.to_lowercase() } else { name.to_owned() };
                (name, Parameter { required, kind, rule: rule(&p["schema"]) })
            });
            here.collect()
        };
        let first = |content: &Value| {
            let (kind, one) = content.as_object()?.iter().next()?;
            Some((kind.clone(), rule(&one["schema"])))
        };
        let answers =
            one["responses"].as_object().into_iter().flatten().filter_map(|(status, said)| {
                let json = &said["content"]["application/json"]["schema"];
                Some((status.parse().ok()?, rule(Some(json).filter(|json| json.is_object())?)))
            });
        Self {
            method: method.to_uppercase(),
            path: path.split('/').map(str::to_owned).collect(),
            query: parameters("query"),
            headers: parameters("header"),
            body: first(&one["requestBody"]["content"]),
            answers: answers.collect(),
        }
    }

    fn is_at(&self, path: &str) -> bool {
        let parts: Vec<&str> = path.split('/').collect();
        let fits = |(ours, theirs): (&String, &&str)| {
            if ours.starts_with('{') { !theirs.is_empty() } else { ours == theirs }
        };
        parts.len() == self.path.len() && self.path.iter().zip(&parts).all(fits)
    }

    fn judge(&self, request: &Request) -> Result<(), String> {
        let query = request.query();
        for (name, text) in &query {
            let Some(parameter) = self.query.get(name) else {
                return Err(format!("it has no parameter `{name}`"));
            };
            parameter.judge(name, text)?;
        }
        let given = |name: &String| query.iter().any(|(n, _)| n == name);
        if let Some((name, _)) = self.query.iter().find(|(name, p)| p.required && !given(name)) {
            return Err(format!("the parameter `{name}` is missing"));
        }
        for (name, parameter) in &self.headers {
            match request.header(name) {
                Some(text) => parameter.judge(name, text)?,
                None if parameter.required => {
                    return Err(format!("the header `{name}` is missing"));
                }
                None => {}
            }
        }
        match &self.body {
            None if request.body.is_empty() => Ok(()),
            None => Err("it takes no body".to_owned()),
            Some((kind, rule)) => {
                let said = request.header("content-type").unwrap_or("nothing");
                if said.split(';').next() != Some(kind.as_str()) {
                    return Err(format!("its body is {kind}, not {said}"));
                }
                against(rule, &request.content()?)
            }
        }
    }
}

impl Parameter {
    fn judge(&self, name: &str, text: &str) -> Result<(), String> {
        let value = match self.kind.as_str() {
            "integer" => text.parse::<i64>().map(Value::from).map_err(|why| why.to_string())?,
            "boolean" => text.parse::<bool>().map(Value::from).map_err(|why| why.to_string())?,
            "array" => text.split(',').map(Value::from).collect(),
            _ => Value::from(text),
        };
        against(&self.rule, &value).map_err(|why| format!("`{name}`: {why}"))
    }
}

/// The first few things that are wrong.
pub(crate) fn against(rule: &Validator, value: &Value) -> Result<(), String> {
    let wrong: Vec<String> = rule
        .iter_errors(value)
        .take(4)
        .map(|error| {
            let what: String = error.to_string().chars().take(300).collect();
            format!("{}: {what}", error.instance_path())
        })
        .collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
}

#[test]
fn what_a_description_does_not_know_is_refused() {
    let contract = Contract::new(include_str!("../../../fixtures/openapi/jira.json"));
    let request = |method: &str, path: &str, body: &str| Request {
        method: method.to_owned(),
        path: path.to_owned(),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: body.to_owned(),
    };
    let issue = "/rest/api/3/issue";
    let judge = |method, path: &str, body| contract.judge(&request(method, path, body));
    assert_eq!(judge("POST", issue, r#"{"fields":{"summary":"x"}}"#), Ok(()));
    assert_eq!(judge("GET", &format!("{issue}/A-1?fields=status,labels"), ""), Ok(()));
    let wrong = [
        ("POST", "/rest/api/3/issues", "{}", "there is no /rest/api/3/issues"),
        ("DELETE", "/rest/api/3/issue/A-1", "", "/rest/api/3/issue/A-1 does not take DELETE"),
        ("GET", "/rest/api/3/issue/A-1?field=status", "", "it has no parameter `field`"),
        ("GET", "/rest/api/3/search/jql?maxResults=many", "", "invalid digit"),
        ("POST", issue, r#"{"fields":[]}"#, "/fields: "),
        ("POST", issue, "{", "EOF"),
    ];
    for (method, path, body, why) in wrong {
        let said = judge(method, path, body).unwrap_err();
        assert!(said.contains(why), "{said}");
    }
    let answer = Answer::new(201, r#"{"key":1}"#);
    assert!(contract.judge_answer(&request("POST", issue, "{}"), &answer).is_err());
}

#[test]
fn what_vendors_wrote_is_named_with_its_licence() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/openapi");
    let notice = std::fs::read_to_string(folder.join("NOTICE")).unwrap();
    for file in std::fs::read_dir(&folder).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let named = notice.lines().any(|line| line.split(' ').next() == Some(&name));
        assert_eq!(named, name.ends_with(".json"), "{name}: the vendors' are JSON, ours are not");
    }
}
