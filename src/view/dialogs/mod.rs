//! stub
use crate::app::Dialog;
use crate::view::scene::Scene;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
pub(crate) fn draw(
    _scene: &Scene<'_>,
    _d: &Dialog,
    _buf: &mut Buffer,
    _body: Rect,
    _c: &mut Option<(u16, u16)>,
) -> (usize, usize) {
    (0, 0)
}
