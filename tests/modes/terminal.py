"""A terminal of unlimited height that knows what rich writes: enough to read its screen."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"\x1b\[(\??)([\d;]*)([A-Za-z])|([\r\n])|([^\x1b\r\n]+)")


class Terminal:
    """Reads the bytes of a program and keeps what they leave to be seen."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.rows: list[str] = [""]
        self.cursor_shown = True
        self._row = self._column = 0

    def feed(self, text: str) -> None:
        for private, given, command, control, plain in _TOKEN.findall(text):
            if plain:
                self._write(plain)
            elif control == "\r":
                self._column = 0
            elif control == "\n":
                self._down()
            elif command == "A":
                self._row -= int(given or 1)
                assert self._row >= 0
            elif command == "K":
                self.rows[self._row] = ""
            elif private and given == "25":
                self.cursor_shown = command == "h"
            else:
                assert command in "mH", command

    @property
    def shown(self) -> str:
        return "\n".join(row.rstrip() for row in self.rows)

    def _write(self, plain: str) -> None:
        for sign in plain:
            if self._column == self.width:
                self._down()
                self._column = 0
            row = self.rows[self._row].ljust(self._column)
            self.rows[self._row] = row[: self._column] + sign + row[self._column + 1 :]
            self._column += 1

    def _down(self) -> None:
        self._row += 1
        if self._row == len(self.rows):
            self.rows.append("")
