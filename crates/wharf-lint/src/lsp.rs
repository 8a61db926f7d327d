//! `wharf lint --lsp`: findings and fixes while somebody writes. Spec: Language Server Protocol 3.17.
//!
//! One editor, one thread, documents as whole texts. What the editor asks beyond diagnostics and quick fixes is refused politely.

use std::collections::HashMap;

use lsp_server::{Connection, Message, Notification, Request, Response};
use lsp_types::notification::{
    DidChangeTextDocument, DidCloseTextDocument, DidOpenTextDocument, Notification as _, PublishDiagnostics,
};
use lsp_types::request::{CodeActionRequest, Request as _};
use lsp_types::{
    CodeAction, CodeActionKind, CodeActionOrCommand, CodeActionParams, CodeActionProviderCapability, Diagnostic,
    DiagnosticSeverity, DidChangeTextDocumentParams, DidCloseTextDocumentParams, DidOpenTextDocumentParams,
    NumberOrString, Position, PublishDiagnosticsParams, Range, ServerCapabilities, TextDocumentSyncCapability,
    TextDocumentSyncKind, TextEdit, Uri, WorkspaceEdit,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wharf_dockerfile::lint::{self, Finding, Settings};
use wharf_dockerfile::{Dockerfile, Severity, Span, parse};

use crate::error::Error;

/// A larger text is no Dockerfile.
const MAX_BYTES: usize = 4 << 20;
/// So many documents may be open at once.
const MAX_DOCUMENTS: usize = 1000;

/// Serves the editor at standard input and output until it says that it ends.
pub fn serve(settings: &Settings) -> Result<(), Error> {
    let (connection, threads) = Connection::stdio();
    let capabilities = ServerCapabilities {
        text_document_sync: Some(TextDocumentSyncCapability::Kind(TextDocumentSyncKind::FULL)),
        code_action_provider: Some(CodeActionProviderCapability::Simple(true)),
        ..ServerCapabilities::default()
    };
    connection.initialize(value(&capabilities)?).map_err(broken)?;
    let mut session = Session { connection: &connection, settings, documents: HashMap::new() };
    session.run()?;
    drop(connection);
    threads.join().map_err(broken)
}

fn broken(error: impl std::fmt::Display) -> Error {
    Error::Editor(error.to_string())
}

fn value(data: &impl Serialize) -> Result<serde_json::Value, Error> {
    serde_json::to_value(data).map_err(broken)
}

fn read<T: DeserializeOwned>(value: serde_json::Value) -> Result<T, Error> {
    serde_json::from_value(value).map_err(broken)
}

/// A document that is open, and what was found in it.
struct Document {
    file: Dockerfile,
    findings: Vec<Finding>,
}

struct Session<'c> {
    connection: &'c Connection,
    settings: &'c Settings,
    documents: HashMap<String, Document>,
}

impl Session<'_> {
    fn run(&mut self) -> Result<(), Error> {
        let connection = self.connection;
        for message in &connection.receiver {
            match message {
                Message::Request(request) => {
                    if connection.handle_shutdown(&request).map_err(broken)? {
                        return Ok(());
                    }
                    self.answer(request)?;
                }
                Message::Notification(notification) => self.hear(notification)?,
                Message::Response(_) => {}
            }
        }
        Ok(())
    }

    fn send(&self, message: Message) -> Result<(), Error> {
        self.connection.sender.send(message).map_err(broken)
    }

    fn hear(&mut self, notification: Notification) -> Result<(), Error> {
        match notification.method.as_str() {
            DidOpenTextDocument::METHOD => {
                let opened: DidOpenTextDocumentParams = read(notification.params)?;
                self.look(opened.text_document.uri, &opened.text_document.text)
            }
            DidChangeTextDocument::METHOD => {
                let mut changed: DidChangeTextDocumentParams = read(notification.params)?;
                let Some(last) = changed.content_changes.pop() else { return Ok(()) };
                self.look(changed.text_document.uri, &last.text)
            }
            DidCloseTextDocument::METHOD => {
                let closed: DidCloseTextDocumentParams = read(notification.params)?;
                self.documents.remove(closed.text_document.uri.as_str());
                self.publish(closed.text_document.uri, Vec::new())
            }
            _ => Ok(()),
        }
    }

    /// Lints a text and tells the editor.
    fn look(&mut self, uri: Uri, text: &str) -> Result<(), Error> {
        let is_known = self.documents.contains_key(uri.as_str());
        if text.len() > MAX_BYTES || (!is_known && self.documents.len() >= MAX_DOCUMENTS) {
            return self.publish(uri, Vec::new());
        }
        let file = parse(text);
        let findings = lint::check(&file, self.settings);
        let diagnostics = findings.iter().map(|finding| diagnostic(&file, finding)).collect();
        self.documents.insert(uri.as_str().to_owned(), Document { file, findings });
        self.publish(uri, diagnostics)
    }

    fn publish(&self, uri: Uri, diagnostics: Vec<Diagnostic>) -> Result<(), Error> {
        let params = PublishDiagnosticsParams { uri, diagnostics, version: None };
        let notification = Notification::new(PublishDiagnostics::METHOD.to_owned(), params);
        self.send(Message::Notification(notification))
    }

    fn answer(&self, request: Request) -> Result<(), Error> {
        let response = match request.method.as_str() {
            CodeActionRequest::METHOD => {
                let asked: CodeActionParams = read(request.params)?;
                Response::new_ok(request.id, self.actions(&asked))
            }
            method => {
                let code = lsp_server::ErrorCode::MethodNotFound as i32;
                Response::new_err(request.id, code, format!("`{method}` is not served"))
            }
        };
        self.send(Message::Response(response))
    }

    /// Quick fixes for what lies in a range.
    fn actions(&self, asked: &CodeActionParams) -> Vec<CodeActionOrCommand> {
        let uri = &asked.text_document.uri;
        let Some(document) = self.documents.get(uri.as_str()) else { return Vec::new() };
        let touches = |range: Range| range.start <= asked.range.end && asked.range.start <= range.end;
        let fixable = document.findings.iter().filter(|finding| touches(range(&document.file, finding.span)));
        fixable.filter_map(|finding| action(uri, &document.file, finding)).collect()
    }
}

// The protocol's own type of changes is a map by URI.
#[expect(clippy::mutable_key_type, reason = "lsp-types gives no other map")]
fn action(uri: &Uri, file: &Dockerfile, finding: &Finding) -> Option<CodeActionOrCommand> {
    let fix = finding.fix.as_ref()?;
    let edit = |edit: &lint::Edit| TextEdit { range: range(file, edit.span), new_text: edit.text.clone() };
    let edits: Vec<TextEdit> = fix.edits.iter().map(edit).collect();
    let changes = HashMap::from([(uri.clone(), edits)]);
    Some(CodeActionOrCommand::CodeAction(CodeAction {
        title: format!("{} ({})", fix.title, finding.id),
        kind: Some(CodeActionKind::QUICKFIX),
        diagnostics: Some(vec![diagnostic(file, finding)]),
        edit: Some(WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() }),
        ..CodeAction::default()
    }))
}

fn diagnostic(file: &Dockerfile, finding: &Finding) -> Diagnostic {
    let severity = match finding.severity {
        Severity::Error => DiagnosticSeverity::ERROR,
        Severity::Warning => DiagnosticSeverity::WARNING,
        Severity::Info => DiagnosticSeverity::INFORMATION,
        Severity::Style => DiagnosticSeverity::HINT,
    };
    Diagnostic {
        range: range(file, finding.span),
        severity: Some(severity),
        code: Some(NumberOrString::String(finding.id.clone())),
        source: Some("wharf lint".to_owned()),
        message: finding.message.clone(),
        ..Diagnostic::default()
    }
}

fn range(file: &Dockerfile, span: Span) -> Range {
    Range { start: position(file, span.start), end: position(file, span.end.max(span.start)) }
}

/// A place as the protocol counts: lines from 0, and columns in units of UTF-16.
fn position(file: &Dockerfile, offset: usize) -> Position {
    let line = file.line(offset);
    let start = file.line_span(line).start;
    let before = file.source().get(start..offset).unwrap_or_default();
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Position { line: count(line - 1), character: count(before.encode_utf16().count()) }
}
