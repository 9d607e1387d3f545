"""The users and items of a bundle that is being opened, from JSON or from table files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hanji.runtime.ids import Ids, Items, parse_items, parse_users

if TYPE_CHECKING:
    from hanji.runtime.manifest import RecommenderManifest
    from hanji.runtime.opening import Opening


def users_of(opening: Opening[RecommenderManifest]) -> Ids | None:
    """The user ids, or None for a bundle without users; BundleError if their file is malformed."""
    table = opening.manifest.users
    if table is None:
        return None
    if not table.is_binary:
        return opening.read(table, parse_users)
    from hanji.runtime.table_file import read_ids  # deferred: most bundles have JSON

    return opening.map(table, read_ids)


def items_of(opening: Opening[RecommenderManifest]) -> Items:
    """The items; BundleError if their file is malformed."""
    table = opening.manifest.items
    if not table.is_binary:
        return opening.read(table, parse_items)
    from hanji.runtime.table_file import read_items  # deferred: most bundles have JSON

    return opening.map(table, read_items)


__all__ = ["items_of", "users_of"]
