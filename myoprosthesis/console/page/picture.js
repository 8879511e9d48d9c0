// The body in three dimensions: shapes at the places of the newest frame, muscles as thick and as coloured as they are active.

import {
  AmbientLight, ArrowHelper, BoxGeometry, BufferAttribute, BufferGeometry, CapsuleGeometry, Color, CylinderGeometry, DirectionalLight,
  DynamicDrawUsage, GridHelper, Group, InstancedMesh, Line, LineBasicMaterial, Matrix4, Mesh, MeshLambertMaterial, OrbitControls,
  PerspectiveCamera, Quaternion, Scene, SphereGeometry, Vector3, WebGLRenderer,
} from "/vendor/three.min.js";

const IDLE = new Color(0x8a94a3), ACTIVE = new Color(0xd55e00), LIGAMENT = new Color(0xb9bec6);
const TARGET = 0x0072b2, ENDPOINT = 0x009e73, LOAD = 0xcc79a7, CONTACT = 0xe69f00, GHOST = 0x56b4e9;
const TRACE = 120, PIECES = 1500;
const CONTACT_M = 0.5; // length of the arrow of a contact, for 1000 N
const LEAST_LOAD = 2; // N; the largest load so far, or this, is drawn as half of the body's radius
const VIEWS = { front: [0, -1, 0.7], side: [1, 0, 0.25], top: [0, -0.001, 1] };
// Of activation the square root is drawn: reaching takes a tenth of it.
const UP = new Vector3(0, 1, 0);

function geometryOf(shape, mesh) {
  const [a, b, c] = shape.size;
  if (shape.kind === "sphere") return new SphereGeometry(a, 20, 14);
  if (shape.kind === "ellipsoid") return new SphereGeometry(1, 20, 14).scale(a, b, c);
  if (shape.kind === "capsule") return new CapsuleGeometry(a, 2 * b, 6, 14).rotateX(Math.PI / 2);
  if (shape.kind === "cylinder") return new CylinderGeometry(a, a, 2 * b, 20).rotateX(Math.PI / 2);
  if (shape.kind === "box") return new BoxGeometry(2 * a, 2 * b, 2 * c);
  return mesh;
}

export class Picture {
  constructor(canvas) {
    this.canvas = canvas;
    this.renderer = new WebGLRenderer({ canvas, antialias: true, alpha: true });
    this.camera = new PerspectiveCamera(40, 1, 0.005, 100);
    this.camera.up.set(0, 0, 1);
    this.controls = new OrbitControls(this.camera, canvas);
    this.controls.addEventListener("change", () => { this.dirty = true; });
    this.dirty = true;
    new ResizeObserver(() => this.resize()).observe(canvas);
    this.clear();
  }

  clear() {
    this.scene?.traverse((thing) => { thing.geometry?.dispose(); thing.material?.dispose?.(); });
    this.scene = new Scene();
    const light = new DirectionalLight(0xffffff, 2.2);
    light.position.set(1, -1.5, 2);
    this.scene.add(light, new AmbientLight(0xffffff, 1.3));
    this.description = null;
  }

  // `description` of the console node, and the vertices and triangles of its meshes.
  show(description, bytes) {
    const first = !this.placed;
    this.clear();
    this.description = description;
    const meshes = description.meshes.map((m) => {
      const geometry = new BufferGeometry();
      geometry.setAttribute("position", new BufferAttribute(new Float32Array(bytes, m.at, 3 * m.vertices), 3));
      geometry.setIndex(new BufferAttribute(new Uint16Array(bytes, m.at + 12 * m.vertices, 3 * m.triangles), 1));
      geometry.computeVertexNormals();
      return geometry;
    });
    this.parts = Array.from({ length: description.parts }, () => new Group());
    this.scene.add(...this.parts);
    this.bellies = [];
    this.ghosts = []; // parts of the twin, made once there is one
    this.contacts = [];
    for (const shape of description.shapes) {
      const [r, g, b, a] = shape.colour;
      const material = new MeshLambertMaterial({ color: new Color(r, g, b), transparent: a < 1, opacity: a });
      const solid = new Mesh(geometryOf(shape, meshes[shape.mesh]), material);
      const [w, x, y, z] = shape.turn;
      solid.position.set(...shape.place);
      solid.quaternion.set(x, y, z, w);
      this.parts[shape.part].add(solid);
      if (shape.muscles.length) this.bellies.push([material, shape.muscles]);
    }
    this.newGhosts = () => {
      const material = new MeshLambertMaterial({ color: GHOST, transparent: true, opacity: 0.35, depthWrite: false });
      return this.parts.map((part) => {
        const ghost = part.clone(true);
        for (const solid of ghost.children) solid.material = material;
        this.scene.add(ghost);
        return ghost;
      });
    };
    const size = this.size = description.radius;
    this.muscles = new InstancedMesh(new CylinderGeometry(1, 1, 1, 8, 1, true), new MeshLambertMaterial(), PIECES);
    this.muscles.instanceMatrix.setUsage(DynamicDrawUsage);
    this.muscles.frustumCulled = false;
    this.muscles.count = 0;
    const ball = (colour, radius, opacity) =>
      new Mesh(new SphereGeometry(radius, 20, 14), new MeshLambertMaterial({ color: colour, transparent: opacity < 1, opacity }));
    this.targets = [];
    this.newTarget = () => {
      const target = ball(TARGET, 0.035 * size, 0.6);
      target.material.depthTest = false; // seen through what has come there
      target.renderOrder = 1;
      this.scene.add(target);
      return target;
    };
    this.endpoint = ball(ENDPOINT, 0.018 * size, 1);
    this.load = new ArrowHelper(new Vector3(1, 0, 0), new Vector3(), size, LOAD);
    this.trace = new Line(new BufferGeometry(), new LineBasicMaterial({ color: ENDPOINT }));
    this.trace.geometry.setAttribute("position", new BufferAttribute(new Float32Array(3 * TRACE), 3));
    this.trace.frustumCulled = false;
    this.places = [];
    for (const mark of [this.endpoint, this.load]) mark.visible = false;
    this.scene.add(this.muscles, this.endpoint, this.load, this.trace);
    if (description.floor) {
      const grid = new GridHelper(20, 40, 0x808890, 0xb0b6bf);
      grid.rotation.x = Math.PI / 2;
      this.scene.add(grid);
    }
    this.root = this.followed = null;
    this.aim = description.floor ? "side" : "front";
    this.most = LEAST_LOAD;
    if (first) this.look(this.aim);
    if (!first) this.aim = "";
    this.placed = true;
    this.resize();
  }

  look(view) {
    if (!this.description) return;
    const middle = new Vector3(...(this.followed ?? this.description.middle));
    const half = Math.tan((this.camera.fov * Math.PI) / 360) * Math.min(1, this.camera.aspect);
    this.camera.position.copy(middle).addScaledVector(new Vector3(...VIEWS[view]).normalize(), this.size / half);
    this.controls.target.copy(middle);
    this.controls.update();
    this.dirty = true;
  }

  // Of a frame: the endpoint and its load; targets, contacts and the parts of a twin; where parts and tendons are.
  place(marks, { targets, contacts, ghost }, body) {
    if (!this.description) return;
    const at = this.move(this.parts, body);
    if (ghost.length && !this.ghosts.length) this.ghosts = this.newGhosts();
    if (ghost.length) this.move(this.ghosts, ghost);
    for (const part of this.ghosts) part.visible = Number.isFinite(ghost[0]);
    this.press(contacts);
    this.follow();
    this.placeMuscles(body, at);
    while (3 * this.targets.length < targets.length) this.targets.push(this.newTarget());
    this.targets.forEach((target, k) => this.mark(target, targets, 3 * k));
    this.mark(this.endpoint, marks, 0);
    this.extend(marks);
    const load = new Vector3(marks[3], marks[4], marks[5]), newtons = load.length();
    this.load.visible = newtons > 0.05 && this.endpoint.visible;
    if (this.load.visible) {
      this.load.position.copy(this.endpoint.position);
      this.load.setDirection(load.normalize());
      this.most = Math.max(this.most, newtons);
      this.load.setLength((this.size * newtons) / (2 * this.most), 0.08 * this.size, 0.05 * this.size);
    }
    this.dirty = true;
  }

  move(parts, poses) {
    let at = 0;
    for (const part of parts) {
      part.position.set(poses[at], poses[at + 1], poses[at + 2]);
      part.quaternion.set(poses[at + 4], poses[at + 5], poses[at + 6], poses[at + 3]);
      at += 7;
    }
    return at;
  }

  // An arrow up from each contact, as long as it is loaded.
  press(contacts) {
    for (let k = 0; 4 * k < contacts.length; k++) {
      if (!this.contacts[k]) {
        const made = this.contacts[k] = new ArrowHelper(new Vector3(0, 0, 1), new Vector3(), this.size, CONTACT);
        for (const part of [made.line, made.cone]) part.material.depthTest = false; // seen through the leg
        this.scene.add(made);
      }
      const arrow = this.contacts[k], newtons = contacts[4 * k + 3];
      arrow.visible = newtons > 1;
      if (!arrow.visible) continue;
      arrow.position.set(contacts[4 * k], contacts[4 * k + 1], contacts[4 * k + 2]);
      arrow.setLength((CONTACT_M * newtons) / 1000, 0.05 * this.size, 0.03 * this.size);
    }
  }

  // The camera goes along with a body that walks.
  follow() {
    if (this.description.follow < 0) return;
    const now = this.parts[this.description.follow].position;
    this.followed = [now.x, now.y, this.description.middle[2]];
    if (!this.root && this.aim) this.look(this.aim); // where it is by now
    else if (this.root) {
      const step = now.clone().sub(this.root).setZ(0);
      this.camera.position.add(step);
      this.controls.target.add(step);
    }
    this.root = now.clone();
  }

  placeMuscles(body, at) {
    const n = this.description.tendons.length, size = this.size;
    let point = at + 2 * n, piece = 0;
    const matrix = new Matrix4(), from = new Vector3(), to = new Vector3(), along = new Vector3(), turn = new Quaternion(),
      scale = new Vector3(), colour = new Color();
    for (let k = 0; k < n; k++) {
      const activation = body[at + k] < 0 ? -1 : Math.sqrt(body[at + k]), count = body[at + n + k];
      const radius = size * (activation < 0 ? 0.003 : 0.006 + 0.014 * activation);
      if (activation < 0) colour.copy(LIGAMENT); else colour.lerpColors(IDLE, ACTIVE, activation);
      for (let i = 1; i < count && piece < PIECES; i++) {
        from.fromArray(body, point + 3 * (i - 1));
        to.fromArray(body, point + 3 * i);
        along.subVectors(to, from);
        const length = along.length();
        if (!(length > 1e-6)) continue; // also a pulley
        turn.setFromUnitVectors(UP, along.divideScalar(length));
        matrix.compose(from.add(to).multiplyScalar(0.5), turn, scale.set(radius, length, radius));
        this.muscles.setMatrixAt(piece, matrix);
        this.muscles.setColorAt(piece++, colour);
      }
      point += 3 * count;
    }
    for (const [material, muscles] of this.bellies)
      material.color.lerpColors(IDLE, ACTIVE, Math.sqrt(Math.max(...muscles.map((k) => body[at + k]))));
    this.muscles.count = piece;
    this.muscles.instanceMatrix.needsUpdate = true;
    if (this.muscles.instanceColor) this.muscles.instanceColor.needsUpdate = true;
  }

  mark(ball, marks, at) {
    ball.visible = Number.isFinite(marks[at]);
    if (ball.visible) ball.position.set(marks[at], marks[at + 1], marks[at + 2]);
  }

  extend(marks) {
    if (!this.endpoint.visible) return;
    this.places.push(marks[0], marks[1], marks[2]);
    if (this.places.length > 3 * TRACE) this.places.splice(0, 3);
    const positions = this.trace.geometry.attributes.position;
    positions.array.set(this.places);
    positions.needsUpdate = true;
    this.trace.geometry.setDrawRange(0, this.places.length / 3);
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width || !height) return;
    this.renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
    this.renderer.setSize(width, height, false);
    this.camera.aspect = width / height;
    this.camera.updateProjectionMatrix();
    this.dirty = true;
  }

  draw() {
    if (!this.dirty) return;
    this.dirty = false;
    this.renderer.render(this.scene, this.camera);
  }
}
