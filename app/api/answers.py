"""JSON answers out of models."""

from __future__ import annotations

from flask import Response
from pydantic import BaseModel


def answer_json(model: BaseModel, status: int = 200) -> Response:
    return Response(model.model_dump_json(), status, content_type="application/json")
