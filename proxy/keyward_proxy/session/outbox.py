"""Collects what goes to one side, so that neighbours in a read leave as one slice of it."""

from __future__ import annotations

from keyward_proxy.session.commands import Command, ToClient, ToUpstream


class Outbox:
    """What goes to one side; `flush` makes the commands."""

    def __init__(self, command: type[ToClient] | type[ToUpstream]) -> None:
        self._command = command
        self._commands: list[Command] = []
        self._buffer = b""
        self._start = self._end = 0
        self._patches: list[tuple[int, bytes]] = []
        self._inside_a_frame = False
        self._behind: list[ToClient | ToUpstream] = []
        """What was sent since a frame went out in part: it waits for the frame's rest."""

        self.bytes_sent = 0

    def forward(self, buffer: bytes, start: int, end: int) -> None:
        """Send this part of a read as it is."""
        if buffer is self._buffer and start == self._end:
            self._end = end
            return
        self._close_run()
        self._buffer, self._start, self._end = buffer, start, end

    def forward_patched(self, buffer: bytes, start: int, end: int, at: int, patch: bytes) -> None:
        """Send this part of a read with the bytes at `at` replaced by `patch`."""
        self.forward(buffer, start, end)
        self._patches.append((at, patch))

    def begin_frame(self) -> None:
        """What was forwarded last is the beginning of a frame: until its end nothing else may be sent."""
        self._inside_a_frame = True

    def end_frame(self) -> None:
        """The frame's end is forwarded: send what waited for it."""
        self._inside_a_frame = False
        behind, self._behind = self._behind, []
        for command in behind:
            self.send(command)

    def send(self, command: ToClient | ToUpstream) -> None:
        """Send this, behind what was forwarded, and behind the rest of a frame of which a part was."""
        if self._inside_a_frame:
            self._behind.append(command)
            return
        self._close_run()
        self.bytes_sent += len(command.data)
        self._commands.append(command)

    def flush(self) -> list[Command]:
        """The commands for all that was collected."""
        self._close_run()
        commands, self._commands = self._commands, []
        return commands

    def _close_run(self) -> None:
        buffer, start, end = self._buffer, self._start, self._end
        if start == end:
            return
        self.bytes_sent += end - start
        data: bytes | memoryview
        if self._patches:
            copied = bytearray(memoryview(buffer)[start:end])
            for at, patch in self._patches:
                copied[at - start : at - start + len(patch)] = patch
            data = bytes(copied)
            self._patches = []
        else:
            data = buffer if end - start == len(buffer) else memoryview(buffer)[start:end]
        self._commands.append(self._command(data=data))
        self._buffer, self._start, self._end = b"", 0, 0
