"""Raw connections: connections of the driver's that an event loop keeps for itself, to ask with less between.

The driver finds the primary, connects, encrypts, logs in, and notices when a server is gone. For a command
of its own it then takes 100 us of the loop: it makes three tasks, takes a connection out of the pool and
puts it back, under seven locks. A page is one command. So some connections are taken out of the pool
and kept: a command is one message there and one back (OP_MSG, the server's wire protocol). Whatever goes
otherwise than well, an error of the server too, is left to the driver: the connection is given up and the
command, which only reads, is asked again in the ordinary way.
"""

from __future__ import annotations

import asyncio
import struct
from typing import TYPE_CHECKING

import bson
import pymongo
from bson.errors import InvalidBSON
from pymongo import AsyncMongoClient, ReadPreference
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import ExecutionTimeout, NetworkTimeout, PyMongoError

from lrs.store.mongo.codec import Raw

if TYPE_CHECKING:
    from pymongo.asynchronous.mongo_client import _ClientCheckout
    from pymongo.asynchronous.pool import AsyncConnection

MOST = 32
"""Raw connections of one loop, and never more than half of its pool: who finds none free asks in the
ordinary way.
"""

OP_MSG = 2013
MAX_TIME_EXPIRED = 50
_HEADER = struct.Struct("<iiiiIB")
"""Length, number of the message, of the one it answers, OP_MSG; no flags; one section, a document."""
_BODY = 5
"""Where the document of an answer begins: after flags and kind of section."""


TRIED_DRIVER = (4, 20)
"""The version of pymongo that was tried: parts of its pool are used that have no public name."""


def are_possible() -> bool:
    """Whether the driver is the one that was tried; any other is asked for pages in its own way."""
    return pymongo.version_tuple[:2] == TRIED_DRIVER


class ConnectionLostError(Exception):
    """A connection did not bring an answer that is any use."""


class RawConnection:
    """One connection that was taken out of the pool."""

    def __init__(self, checkout: _ClientCheckout, connection: AsyncConnection) -> None:
        self._checkout = checkout
        self._connection = connection
        self._number = 0
        self._late = False

    @property
    def is_sound(self) -> bool:
        """Whether nothing is known against it; after a failure the driver gives up all connections."""
        connection = self._connection
        pool = connection.pool_ref()
        return (
            pool is not None
            and not pool.closed
            and not connection.conn.is_closing()
            and not pool.stale_generation(connection.generation, connection.service_id)
        )

    async def ask(self, command: Raw) -> Raw:
        """The answer to a command that names its database.

        ExecutionTimeout when the server gave it up, ConnectionLostError when it is not ok otherwise,
        TimeoutError when it is late, OSError when the connection broke.
        """
        body = bson.encode(command)
        self._number = number = self._number + 1 & 0x7FFFFFFF
        connection = self._connection
        talk = connection.conn.get_conn
        patience = connection.opts.socket_timeout
        # A third of what `asyncio.timeout` costs; a connection that was late is of no more use anyway.
        timer = asyncio.get_running_loop().call_later(patience, self._too_late) if patience else None
        try:
            await talk.write(_HEADER.pack(_HEADER.size + len(body), number, 0, OP_MSG, 0, 0) + body)
            data, code = await talk.read(number, connection.max_message_size)
        except (OSError, PyMongoError) as error:
            if self._late:
                raise TimeoutError("no answer in time") from error
            raise
        finally:
            if timer:
                timer.cancel()
        if code != OP_MSG or bytes(data[:_BODY]) != bytes(_BODY):
            raise ConnectionLostError("not the answer that was asked for")
        answer = bson.decode(data[_BODY:])
        if answer.get("code") == MAX_TIME_EXPIRED:
            raise ExecutionTimeout("the read took too long", MAX_TIME_EXPIRED, answer)
        if answer.get("ok") != 1:
            raise ConnectionLostError("the server refused")
        return answer

    def cut(self) -> None:
        """Close the connection at once: an answer may be on its way that nobody waits for."""
        transport, _ = self._connection.conn.conn
        transport.abort()

    def _too_late(self) -> None:
        self._late = True
        self.cut()

    async def give_back(self) -> None:
        """Let the pool know that the connection is gone, so that it may make another one."""
        await self._connection.close_conn(None)
        await self._checkout.__aexit__(None, None, None)


class RawConnections:
    """The connections of one event loop, to the primary of a replica set."""

    def __init__(self, database: AsyncDatabase[Raw]) -> None:
        self._database = database
        self._client: AsyncMongoClient[Raw] = database.client
        size = self._client.options.pool_options.max_pool_size or 2 * MOST  # 0 sets no limit
        self._most = int(min(2 * MOST, size)) // 2
        self._idle: list[RawConnection] = []
        self._count = 0
        self._ending: set[asyncio.Task[None]] = set()
        self._closed = False

    async def command(self, command: Raw) -> Raw:
        """The answer to a command that only reads. PyMongoError."""
        connection = self._free()
        if connection is None and self._count < self._most and not self._closed:
            connection = await self._another()
        if connection is None:
            return await self._database.command(command)
        try:
            answer = await connection.ask({**command, "$db": self._database.name})
        except TimeoutError as error:
            self._end(connection)
            raise NetworkTimeout("a page was not answered in time") from error
        except ExecutionTimeout:  # an answer like any other: the connection is sound
            self._done(connection)
            raise
        except (ConnectionLostError, OSError, PyMongoError, InvalidBSON):
            self._end(connection)
        except BaseException:  # cancelled
            self._end(connection)
            raise
        else:
            self._done(connection)
            return answer
        return await self._database.command(command)

    def close(self) -> None:
        """Close all connections, before the client is closed.

        Those in use are closed when they have their answer.
        """
        self._closed = True
        while self._idle:
            self._idle.pop().cut()

    def _free(self) -> RawConnection | None:
        while self._idle:
            connection = self._idle.pop()  # the last one used
            if connection.is_sound:
                return connection
            self._end(connection)
        return None

    async def _another(self) -> RawConnection:
        self._count += 1
        try:
            client = self._client
            server = await client._select_server(ReadPreference.PRIMARY, None, "find")
            checkout = client._checkout(server, None)
            return RawConnection(checkout, await checkout.__aenter__())
        except BaseException:
            self._count -= 1
            raise

    def _done(self, connection: RawConnection) -> None:
        if self._closed:
            self._end(connection)
        else:
            self._idle.append(connection)

    def _end(self, connection: RawConnection) -> None:
        """Close a connection. The pool hears of it beside: who is cancelled may not wait for that."""
        connection.cut()
        self._count -= 1
        task = asyncio.create_task(connection.give_back())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
