"""Requests of people who are signed in, for the type checker: their user is one of ours."""

from django.http import HttpRequest
from rest_framework.request import Request

from apps.accounts.models import User


class AuthenticatedHttpRequest(HttpRequest):
    """What a view behind @login_required gets."""

    user: User


class AuthenticatedRequest(Request):
    """What a view of the API gets after permission was asked."""

    user: User
