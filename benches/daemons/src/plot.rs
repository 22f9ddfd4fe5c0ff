//! The picture: processor time to announce, by scenario and daemon, on a logarithmic scale.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;

use crate::Row;

const COLOURS: [RGBColor; 5] = [
    RGBColor(31, 119, 180),
    RGBColor(214, 39, 40),
    RGBColor(44, 160, 44),
    RGBColor(255, 127, 14),
    RGBColor(127, 127, 127),
];

/// Writes it as SVG.
pub(crate) fn write(path: &Path, rows: &[Row]) -> Result<(), Box<dyn Error>> {
    let mut titles: Vec<&str> = rows.iter().map(|row| row.scenario).collect();
    titles.dedup();
    let mut daemons: Vec<&str> = Vec::new();
    for row in rows {
        if !daemons.contains(&row.daemon) {
            daemons.push(row.daemon);
        }
    }
    let area = SVGBackend::new(path, (900, 420)).into_drawing_area();
    area.fill(&WHITE)?;
    let most = rows.iter().map(|row| row.median.announce.cpu).fold(0.1, f64::max);
    let width = daemons.len() + 1;
    let mut chart = ChartBuilder::on(&area)
        .caption("CPU seconds to announce (logarithmic)", ("sans-serif", 18))
        .margin(10)
        .x_label_area_size(30)
        .y_label_area_size(60)
        .build_cartesian_2d(0..titles.len() * width, (0.001..most * 1.5).log_scale())?;
    let label = |at: &usize| {
        let middle = width / 2;
        if at % width == middle {
            titles.get(at / width).map(ToString::to_string).unwrap_or_default()
        } else {
            String::new()
        }
    };
    chart.configure_mesh().disable_x_mesh().x_labels(titles.len() * width).x_label_formatter(&label).draw()?;
    for (number, daemon) in daemons.iter().enumerate() {
        let colour = COLOURS[number % COLOURS.len()];
        let bars = rows.iter().filter(|row| row.daemon == *daemon).filter_map(|row| {
            let place = titles.iter().position(|title| *title == row.scenario)? * width + number;
            Some(Rectangle::new([(place, 0.001), (place + 1, row.median.announce.cpu.max(0.001))], colour.filled()))
        });
        chart
            .draw_series(bars)?
            .label(*daemon)
            .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 10, y + 5)], colour.filled()));
    }
    chart.configure_series_labels().position(SeriesLabelPosition::UpperLeft).background_style(WHITE).draw()?;
    area.present()?;
    Ok(())
}
