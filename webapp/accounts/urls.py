from __future__ import annotations

from django.urls import path

from webapp.accounts import data_views, invitation_views, token_views, views

urlpatterns = [
    path("profile/", views.profile, name="profile"),
    path("appearance/", views.appearance, name="appearance"),
    path("tokens/", token_views.tokens, name="tokens"),
    path("tokens/<int:pk>/revoke/", token_views.revoke, name="token_revoke"),
    path("data/", data_views.data, name="data"),
    path("data/export/", data_views.export, name="data_export"),
    path("data/delete/", data_views.delete, name="account_delete"),
    path("invitations/", invitation_views.invitations, name="invitations"),
    path("invitations/<int:pk>/revoke/", invitation_views.revoke, name="invitation_revoke"),
    path("invitation/<slug:secret>/", invitation_views.accept, name="invitation"),
]
