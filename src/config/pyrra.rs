//! stub
use super::catalog::Builder;
use super::error::Mistakes;
use super::node::Node;
pub(super) fn read(_out: &mut Builder, _object: &Node, _mistakes: &Mistakes) {}
