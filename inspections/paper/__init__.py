"""Printed reports as PDF, by reportlab: fonts, sheets, tables, drawings. It knows no rows; `pages.reports` fills it."""
