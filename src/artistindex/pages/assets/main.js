/* All begins here; what fails is said on the page. */
async function begin() {
  const { header, artists } = await readData();
  let map = null;
  if (artists && byId("map")) map = new ArtistMap(artists, header);
  const showOnMap = map && ((row) => {
    map.select(row);
    byId("map").scrollIntoView();
    byId("map-canvas").focus({ preventScroll: true });
  });
  if (header.lineup) new LineupTable(header.lineup.acts, header.title, showOnMap);
  if (document.querySelector("button.play") || header.map?.tracks.audio) new Player();
  document.body.dataset.ready = "yes";
}

begin().catch((error) => {
  say(`This browser cannot show all of the page: ${error.message}`);
  byId("status").classList.add("failed");
  document.body.dataset.ready = "failed";
  console.error(error);
});
